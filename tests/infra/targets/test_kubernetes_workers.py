"""A release that comes back takes the workers along: image, settings and secrets are the same again."""

import copy
from collections.abc import Mapping
from typing import Any

from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_objects import ServiceObjects, settings_name, template_of
from slipway.infra.targets.kubernetes_releases import KubernetesReleases
from tests.contract.kubernetes_objects import objects_of

OLD, NEW = (f"host/server@sha256:{digit * 64}" for digit in "12")
PULUMI = {"manager": "pulumi-kubernetes-0a1b", "operation": "Apply"}


class Workers(ServiceObjects):
    """The Deployments of a service by name, which what is applied replaces."""

    kept: dict[str, dict[str, Any]]

    def __init__(self, kept: dict[str, dict[str, Any]]) -> None:
        super().__init__(KubernetesPlace("kubernetes", "api", "api"))
        object.__setattr__(self, "kept", kept)

    def one(self, kind: str, name: str, *options: str) -> dict[str, Any] | None:
        return self.kept.get(name)

    def apply(self, body: Mapping[str, Any], manager: str) -> None:
        assert manager == PULUMI["manager"]
        self.kept[body["metadata"]["name"]] = dict(body)


def version(level: str, image: str) -> dict[str, dict[str, Any]]:
    """Return the Deployments of a version, by their names, as the cluster has them."""
    args = {"jobs": True, "env": {"LOG_LEVEL": level}, "image_ref": image}
    found = [copy.deepcopy(each) for each in objects_of(args) if each["kind"] == "Deployment"]
    for deployment in found:
        deployment["metadata"]["managedFields"] = [PULUMI]
    return {each["metadata"]["name"]: each for each in found}


def test_the_workers_get_the_image_and_settings_of_the_release_that_comes_back() -> None:
    said: list[str] = []
    old, workers = version("info", OLD), Workers(version("debug", NEW))
    KubernetesReleases(workers).bring_workers(template_of(old["api"]), said.append)
    after, wanted = template_of(workers.kept["api-worker"]), template_of(old["api-worker"])
    assert settings_name(after) == settings_name(wanted)
    assert after == wanted
    assert len(said) == 1


def test_a_service_without_workers_has_none_to_bring() -> None:
    objects = Workers({})
    KubernetesReleases(objects).bring_workers(template_of(version("info", OLD)["api"]), print)
    assert objects.kept == {}
