"""A real API server takes every object: dry, for real, with another setting, and lets it go again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.contract.kubernetes_cases import EVERYTHING
from tests.contract.kubernetes_job_cases import EVERY_RIGHT
from tests.contract.kubernetes_objects import objects_of, one

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def _no_pods_are_left_to_schedule(api: Api) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Delete the pods, to which the scheduler of the other tests would assign nodes."""
    yield
    for deployment in api.all_of("Deployment", "apps/v1"):
        api.delete(deployment)


def in_namespace(args: Mapping[str, Any], namespace: str) -> list[dict[str, Any]]:
    """Return the objects of these arguments in a namespace that only this test uses."""
    return objects_of({**args, "namespace": namespace, "create_namespace": True})


@pytest.mark.parametrize("number", range(len(EVERY_RIGHT)), ids=list(EVERY_RIGHT))
def test_every_object_is_taken_dry_and_for_real(api: Api, number: int) -> None:
    objects = in_namespace(list(EVERY_RIGHT.values())[number], f"right-{number}")
    namespace, *others = objects
    api.apply(namespace, dry=True)
    api.apply(namespace)
    for each in others:
        api.apply(each, dry=True)
        assert api.get(each) is None
    for each in others:
        api.apply(each)
        assert api.get(each) is not None


def test_applying_the_same_again_changes_nothing(api: Api) -> None:
    objects = in_namespace(EVERYTHING, "again")

    def taken() -> list[dict[str, Any]]:
        """Without the count of writes: the server writes a claim again even where nothing differs."""
        found = [api.apply(each) for each in objects]
        for each in found:
            del each["metadata"]["resourceVersion"]
        return found

    assert taken() == taken()


def settings_of(objects: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the ConfigMap that the pods read; the other one has a dashboard."""
    [found] = [each for each in objects if each["kind"] == "ConfigMap" and each.get("immutable")]
    return found


def test_a_changed_setting_makes_a_new_configmap_and_leaves_the_old_one(api: Api) -> None:
    before, after = (
        in_namespace({**EVERYTHING, "env": {"LOG_LEVEL": level}}, "changed") for level in ("info", "debug")
    )
    for each in (*before, *after):
        api.apply(each)
    old, new = settings_of(before), settings_of(after)
    assert old["metadata"]["name"] != new["metadata"]["name"]
    assert (api.get(old) or {})["data"]["LOG_LEVEL"] == "info"
    runs = (api.get(one(after, "Deployment")) or {})["spec"]["template"]["spec"]["containers"][0]
    assert runs["envFrom"][0]["configMapRef"]["name"] == new["metadata"]["name"]
    assert (api.get(one(after, "Deployment")) or {})["metadata"]["generation"] == 2


def test_settings_and_secrets_cannot_be_changed_beneath_a_pod(api: Api) -> None:
    objects = in_namespace(EVERYTHING, "fixed")
    for each in objects:
        api.apply(each)
    settings = {**settings_of(objects), "data": {"LOG_LEVEL": "debug"}}
    assert "field is immutable when `immutable` is set" in api.refusal(settings)


def test_everything_goes_again_in_the_opposite_order(api: Api) -> None:
    objects = in_namespace(EVERYTHING, "gone")
    for each in objects:
        api.apply(each)
    for each in reversed(
        [each for each in objects if each["kind"] not in ("Namespace", "PersistentVolumeClaim")]
    ):
        api.delete(each)
        api.wait_until_gone(each)


@pytest.mark.parametrize(
    ("kind", "path", "value", "said"),
    [
        ("Deployment", ("resources", "limits", "memory"), "8 gigs", "quantities must match"),
        ("Deployment", ("ports", 0, "containerPort"), 99999, "must be between 1 and 65535"),
        ("Deployment", ("securityContext", "runAsUsr"), 1, "field not declared in schema"),
    ],
)
def test_the_server_refuses_what_is_wrong(
    api: Api, kind: str, path: tuple[Any, ...], value: Any, said: str
) -> None:
    objects = in_namespace({}, "refused")
    api.apply(objects[0])
    found = one(objects, kind)
    at: Any = found["spec"]["template"]["spec"]["containers"][0]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert said in api.refusal(found)


def test_the_namespace_refuses_a_pod_that_is_not_restricted(api: Api) -> None:
    namespace, *_ = in_namespace({}, "restricted")
    api.apply(namespace)
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "restricted"},
    }
    api.apply(account)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": "restricted"},
        "spec": {"containers": [{"name": "root", "image": "root"}]},
    }
    assert 'violates PodSecurity "restricted:latest"' in api.refusal(pod)
