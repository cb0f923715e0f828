"""What `slipway up` decides around `pulumi up`, where a cluster or an update does not do its part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.infra.targets import kubernetes_canary, kubernetes_record, kubernetes_rollback, kubernetes_up
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_up import KubernetesUp
from slipway.stacks.settings.kubernetes import WorkloadSettings
from slipway.stacks.update_step import UpdateStep
from tests.conftest import write_stack
from tests.infra.targets.test_kubernetes_record import Cluster

SERVER: dict[str, Any] = {
    "name": "server",
    "image": "host/server@sha256:abc",
    "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9464}],
}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/instance": "api"}},
    "spec": {"containers": [SERVER]},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "api",
        "uid": "1",
        "annotations": {"deployment.kubernetes.io/revision": "3"},
    },
    "spec": {"replicas": 3, "template": TEMPLATE},
}


class Service(Cluster):
    """One whose Deployment serves. has_second: whether a rollout's second version is there."""

    serving: dict[str, Any] | Failed = DEPLOYMENT
    has_second = False
    neighbour: dict[str, Any] | None = None
    made: ClassVar["Service"]

    def deployment(self) -> dict[str, Any] | None:
        if isinstance(self.serving, Failed):
            raise self.serving
        return self.serving

    def one(self, kind: str, name: str, *options: str) -> dict[str, Any] | None:
        if kind != "deployments.apps":
            return super().one(kind, name, *options)
        return DEPLOYMENT if self.has_second else self.neighbour

    def replica_sets(self) -> list[dict[str, Any]]:
        return []

    def pods(self, name: str) -> list[dict[str, Any]]:
        raise KeyboardInterrupt


@dataclass
class Updates:
    """Stands for the Pulumi CLI. steps: of the updates that were run; '' without one."""

    changes: Mapping[str, list[str]]
    is_there: bool = True
    fails: bool = False
    steps: list[str] = field(default_factory=list[str])

    def up(self, step: UpdateStep | None = None, *_options: str) -> None:
        self.steps.append(step.name if step else "")
        if self.fails:
            raise ProgramFailed(255)

    def changed(self) -> Mapping[str, list[str]]:
        return self.changes

    def is_deployed(self) -> bool:
        return self.is_there


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> type[Service]:
    class Fresh(Service):
        pass

    cluster = Fresh()
    Fresh.made = cluster

    def of(_place: object) -> Service:
        return cluster

    monkeypatch.setattr(kubernetes_up, "ServiceObjects", of)
    return Fresh


def passed(_url: str) -> str:
    return ""


@dataclass
class Run:
    up: KubernetesUp
    updates: Updates
    said: list[str]


@pytest.fixture
def run(project: Path, service: type[Service], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the function that begins an `up` of a stack with these settings, in a folder of its own."""
    monkeypatch.chdir(project)

    def begin(
        *changed: str, again: bool = False, fails: bool = False, there: bool = True, **given: str
    ) -> Run:
        image = f"registry.example.com/server@sha256:{'0' * 64}"
        write_stack(project, {"target": "kubernetes", "image": image, **given}, "prod")
        updates, said = Updates({name: [] for name in changed}, there, fails), list[str]()

        def of(_stack: object) -> Updates:
            return updates

        for module in (kubernetes_up, kubernetes_canary):
            monkeypatch.setattr(module, "PulumiUpdates", of)
        config = stack_config(Path(), "prod")
        settings = settings_from(config)
        assert isinstance(settings, WorkloadSettings)
        place = KubernetesPlace("kubernetes", "api", "api")
        return Run(KubernetesUp(config, settings, place, again, said.append), updates, said)

    return begin


def test_a_change_of_capacity_alone_starts_no_second_version(run: Any) -> None:
    found = run("api-autoscaler", "api", rollout="canary")
    found.up.prepare()
    assert found.up.step is None


@pytest.mark.parametrize("changed", ["api-deployment", "api-settings", "api-secrets"])
def test_a_change_of_the_pods_does(run: Any, changed: str) -> None:
    found = run(changed, rollout="canary", maxInstances="3")
    found.up.prepare()
    assert (found.up.step.name, found.up.step.instances) == ("start", 1)
    assert "1 pod of the new version next to 3 of release 3, then 25% of the requests" in found.said[-1]


def test_a_second_version_that_does_not_start_goes_back_and_is_refused(
    run: Any, service: type[Service]
) -> None:
    found = run("api-deployment", rollout="blue-green")
    found.up.prepare()
    service.has_second = True
    with pytest.raises(Failed, match=r"went back: it did not start; .*Release 3 serves every request\."):
        found.up.after_failure()
    assert found.updates.steps == ["back"]
    with pytest.raises(Refused, match="This version of stack prod went back: it did not start"):
        run(rollout="blue-green").up.prepare()
    again = run("api-deployment", rollout="blue-green", again=True)
    assert again.up.prepare() is True


@pytest.mark.parametrize(
    "changed",
    [
        {"maxInstances": "9"},
        {"monitoring": "operator", "scaleOn": "queue", "scaleTarget": "3"},
        {"monitoring": "operator", "monitoringLabels": '{"release": "prometheus"}'},
        {"spareNode": "true", "deletionProtection": "false"},
    ],
)
def test_another_size_does_not_bring_back_what_went_back(
    run: Any, service: type[Service], changed: dict[str, str]
) -> None:
    watched = {"rollout": "canary", "monitoring": changed.get("monitoring", "none")}
    found = run("api-deployment", **watched)
    found.up.prepare()
    service.has_second = True
    with pytest.raises(Failed, match="went back: it did not start"):
        found.up.after_failure()
    with pytest.raises(Refused, match="This version of stack prod went back"):
        run("api-deployment", **{**changed, **watched}).up.prepare()
    run("api-deployment", **watched, memory="3Gi").up.prepare()


def test_an_update_that_was_not_confirmed_takes_nothing_back(run: Any) -> None:
    found = run("api-deployment", rollout="canary")
    found.up.prepare()
    found.up.after_failure()
    assert found.updates.steps == []
    run("api-deployment", rollout="canary").up.prepare()


def test_a_version_that_cannot_be_taken_back_is_told(run: Any, service: type[Service]) -> None:
    found = run("api-deployment", rollout="canary", fails=True)
    found.up.prepare()
    service.has_second = True
    with pytest.raises(Failed, match=r"did not take it back: it may have requests\. `slipway rollback"):
        found.up.after_failure()


def test_the_next_command_need_not_wait_for_one_that_ended(run: Any, service: type[Service]) -> None:
    found = run("api-deployment", rollout="canary", fails=True)
    found.up.prepare()
    service.has_second = True
    with pytest.raises(Failed):
        found.up.after_failure()
    other = run("api-deployment", rollout="canary")
    other.up.prepare()
    assert other.up.step.name == "start"


def test_what_a_cut_off_rollout_left_goes_before_another_version_could_get_its_requests(
    run: Any, service: type[Service]
) -> None:
    service.has_second = True
    found = run("api-deployment", rollout="canary")
    found.up.prepare()
    assert (found.updates.steps, found.up.step.name) == (["back"], "start")
    service.has_second = False
    stuck = run("api-deployment", rollout="canary", fails=True)
    found.up.after_failure()
    service.has_second = True
    with pytest.raises(Failed, match=r"whose rollout was cut off: it may have requests\. `slipway rollback"):
        stuck.up.prepare()


def test_a_cut_off_version_that_is_taken_back_from_another_checkout_is_the_one_that_is_refused(
    run: Any, service: type[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run("api-deployment", rollout="canary", memory="3Gi")
    found.up.prepare()
    service.has_second = True
    cluster, other = service.made, run("api-deployment", rollout="canary")
    monkeypatch.setattr(kubernetes_record, "SILENT_SECONDS", 0)

    def updates(_stack: object) -> Updates:
        return other.updates

    monkeypatch.setattr(kubernetes_rollback, "PulumiUpdates", updates)
    config = stack_config(Path(), "prod")
    assert kubernetes_rollback.take_back(config, cluster, None, False, other.said.append) == (4, 3)
    service.has_second = False
    other.up.prepare()
    with pytest.raises(Refused, match="This version of stack prod went back: by `slipway rollback`"):
        run("api-deployment", rollout="canary", memory="3Gi").up.prepare()


def test_another_services_deployment_is_no_second_version(run: Any, service: type[Service]) -> None:
    labels = {"app.kubernetes.io/name": "api-canary", "app.kubernetes.io/instance": "api-canary"}
    template = {**TEMPLATE, "metadata": {"labels": labels}}
    service.neighbour = {**DEPLOYMENT, "spec": {"replicas": 1, "template": template}}
    found = run("api-deployment", rollout="canary")
    with pytest.raises(Refused, match="The namespace api has another service, api-canary, and a second"):
        found.up.prepare()
    assert service.made.second() is None
    plain = run("api-deployment")
    plain.up.prepare()
    assert plain.updates.steps == []


@pytest.mark.parametrize("fails", ["update", "cluster"])
def test_a_version_that_is_not_to_blame_may_come_again(
    run: Any, service: type[Service], fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ProgramFailed(255) if fails == "update" else Failed("kubectl says: no route.")

    monkeypatch.setattr(kubernetes_canary.SecondVersion, "_watched", broken)
    found = run("api-deployment", rollout="canary")
    found.up.prepare()
    said = {
        "update": "the update that gives it requests failed or was interrupted",
        "cluster": "the cluster did not answer: kubectl says: no route",
    }
    with pytest.raises(Failed, match=rf"went back: {said[fails]}\. Release 3 serves every request\.$"):
        found.up.carry_out({"url": "http://api.api.svc"}, None)
    run("api-deployment", rollout="canary").up.prepare()


def test_an_interrupted_rollout_goes_back_and_may_come_again(run: Any) -> None:
    found = run("api-deployment", rollout="canary")
    found.up.prepare()
    with pytest.raises(Failed, match=r"went back: it was interrupted\. Release 3 serves every request\.$"):
        found.up.carry_out({"url": "http://api.api.svc"}, passed)
    assert found.updates.steps == ["back"]
    run("api-deployment", rollout="canary").up.prepare()


def test_a_cluster_that_does_not_answer_stops_a_canary_and_no_plain_update(
    run: Any, service: type[Service]
) -> None:
    service.serving = Failed("kubectl says: no route.")
    with pytest.raises(Failed, match="no route"):
        run(rollout="canary").up.prepare()
    plain = run()
    plain.up.prepare()
    assert plain.said == ["The release is not recorded: kubectl says: no route."]
    first = run(rollout="canary", there=False)
    first.up.prepare()
    assert (first.said, first.up.step) == ([], None)


def test_pods_without_metrics_are_replaced_by_a_rolling_update(run: Any, service: type[Service]) -> None:
    plain = {**SERVER, "ports": SERVER["ports"][:1]}
    template = {**TEMPLATE, "spec": {"containers": [plain]}}
    service.serving = {**DEPLOYMENT, "spec": {"replicas": 3, "template": template}}
    found = run("api-deployment", rollout="canary")
    found.up.prepare()
    assert found.up.step is None
    assert "this update is a rolling one" in found.said[-1]
