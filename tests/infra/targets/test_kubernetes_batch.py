"""The Job of a batch: a pod of the service for each shard, which serves nobody."""

from typing import Any

import pytest

from slipway.components.gke.nodes import POOL_LABEL
from slipway.components.kubernetes.limits import VERSIONS
from slipway.infra.targets.batch_run import BatchOrder
from slipway.infra.targets.kubernetes_batch_job import batch_job
from slipway.infra.targets.kubernetes_pods import ended, pod_seconds, running, why_waiting
from tests.contract.kubernetes_cases import BUCKET, GOOGLE, GPU
from tests.contract.kubernetes_objects import objects_of
from tests.contract.kubernetes_schemas import fault_of

ENVIRONMENT = {"ROLE": "batch", "BATCH_INPUT": "gs://acme/in.csv", "BATCH_OUTPUT": "gs://acme/out/"}


def job(args: dict[str, Any], name: str, *, spot: bool = False) -> dict[str, Any]:
    [deployment] = [
        each for each in objects_of(args) if each["kind"] == "Deployment" and each["metadata"]["name"] == name
    ]
    return batch_job(deployment, "api", BatchOrder("b-1", ENVIRONMENT, shards=3, spot=spot))


CASES: list[tuple[dict[str, Any], str]] = [
    ({"jobs": True}, "api-worker"),
    ({"secret_values": {"AWS_ACCESS_KEY_ID": "hush"}}, "api"),
    ({"jobs": True, "model": BUCKET, **GOOGLE}, "api-worker"),
    ({**GPU, **GOOGLE}, "api"),
]


@pytest.mark.parametrize(("args", "name"), CASES)
@pytest.mark.parametrize("spot", [False, True])
def test_every_supported_version_takes_the_job(args: dict[str, Any], name: str, spot: bool) -> None:
    found = job(args, name, spot=spot)
    assert [fault_of(found, version) for version in VERSIONS] == [""] * len(VERSIONS)


def test_a_pod_of_a_batch_has_what_the_service_has_and_serves_nobody() -> None:
    args = {"jobs": True, "secret_values": {"AWS_ACCESS_KEY_ID": "hush"}, "cpu": 2}
    found = job(args, "api-worker")
    pod = found["spec"]["template"]["spec"]
    [container] = pod["containers"]
    plain = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    secret = {each["name"] for each in container["env"] if "valueFrom" in each}
    assert plain == {**ENVIRONMENT, "BATCH_SHARDS": "3", "INFERENCE_THREADS": "2"}
    assert secret == {"AWS_ACCESS_KEY_ID"}  # no key of the service, and no database
    assert container["resources"]["limits"]["cpu"] == "2"
    assert not container.keys() & {"ports", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe"}
    assert pod["serviceAccountName"] == "api"
    assert found["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "api-batch"


def test_pods_on_spot_capacity_leave_the_pool_of_the_service() -> None:
    args = {"node_selector": {POOL_LABEL: "cpu", "zone": "a"}, **GOOGLE}
    assert job(args, "api")["spec"]["template"]["spec"]["nodeSelector"] == {POOL_LABEL: "cpu", "zone": "a"}
    pod = job(args, "api", spot=True)["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"zone": "a", "cloud.google.com/gke-spot": "true"}
    assert [each["key"] for each in pod["tolerations"]] == ["cloud.google.com/gke-spot"]


def test_what_a_pod_says_is_read() -> None:
    lost = {"status": {"phase": "Failed"}}
    unmet = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    pending = {"status": {"phase": "Pending", "conditions": [unmet]}}
    image = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    pulling = {"status": {"phase": "Pending", "containerStatuses": [{"state": image}]}}
    begun = {"running": {"startedAt": "1970-01-01T00:00:10Z"}}
    at_work = {"status": {"containerStatuses": [{"state": begun}]}}
    assert (ended(lost), ended(pending), ended(at_work)) == (-1, None, None)
    assert [running(pod) for pod in (lost, pending, at_work)] == [False, False, True]
    assert pod_seconds(at_work, 25) == 15
    assert why_waiting(pending) == "0/3 nodes are available"
    assert why_waiting(pulling) == "ErrImagePull: not found"
