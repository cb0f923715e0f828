"""A batch as a Job of a real API server and job controller, by the real `kubectl`; its pods are played."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.errors import Refused
from slipway.infra.targets.batch_run import BatchOrder, BatchState
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_batch import KubernetesBatch
from tests.cluster.api import Api
from tests.cluster.control_plane import program, wait_until
from tests.contract.kubernetes_objects import objects_of

pytestmark = pytest.mark.cluster

ORDER = BatchOrder(
    "b-0a1b2c3d",
    {"ROLE": "batch", "BATCH_INPUT": "gs://acme/in.csv", "BATCH_OUTPUT": "gs://acme/out/"},
    shards=2,
)


@pytest.fixture
def place(cluster: Api, plane_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesPlace]:
    """Have a service with workers whose pods no node takes."""
    kubectl = program("kubectl")
    if kubectl is None:
        pytest.skip("KUBEBUILDER_ASSETS holds no kubectl; `.ci/kubernetes` builds one")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(kubectl).parent), os.environ["PATH"]]))
    made = {"jobs": True, "namespace": "batches", "node_selector": {"nowhere": "yes"}}
    for each in objects_of({**made, "create_namespace": True}):
        cluster.apply(each)
    yield KubernetesPlace("kubernetes", "api", "batches", kubeconfig=str(plane_folder / "kubeconfig"))
    for deployment in cluster.all_of("Deployment", "apps/v1", "batches"):
        cluster.delete(deployment)


def pods(server: Api, shard: int | None = None) -> list[dict[str, Any]]:
    """Return the pods of the Job that have not ended and stay, of one shard or all."""
    return [
        pod
        for pod in server.all_of("Pod", namespace="batches")
        if pod["metadata"]["labels"].get("slipway.dev/batch")
        and "deletionTimestamp" not in pod["metadata"]
        and pod["status"]["phase"] not in ("Succeeded", "Failed")
        and shard in (None, int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]))
    ]


def becomes(server: Api, shard: int, phase: str, state: Mapping[str, Any]) -> None:
    """Play the kubelet for the pod of a shard."""
    wait_until(lambda: len(pods(server, shard)) == 1)
    [pod] = pods(server, shard)
    status = {
        "name": "batch",
        "ready": False,
        "restartCount": 0,
        "image": "a",
        "imageID": "a",
        "state": state,
    }
    server.patch(pod, {"status": {"phase": phase, "containerStatuses": [status]}}, "/status")


def ends(server: Api, shard: int, code: int) -> None:
    times = {"startedAt": "2026-11-30T10:00:00Z", "finishedAt": "2026-11-30T10:01:30Z"}
    becomes(server, shard, "Failed" if code else "Succeeded", {"terminated": {"exitCode": code, **times}})


def test_a_batch_runs_fails_is_stopped_goes_on_and_is_collected(cluster: Api, place: KubernetesPlace) -> None:
    said: list[str] = []
    run = KubernetesBatch(place, ORDER, said.append)
    run.start()
    wait_until(lambda: len(pods(cluster)) == 2)
    assert run.progress().state is BatchState.WAITING
    run.start()  # it runs: nothing happens
    assert said == []
    becomes(cluster, 0, "Running", {"running": {"startedAt": "2026-11-30T10:00:00Z"}})
    now = run.progress()
    assert (now.state, now.instances) == (BatchState.RUNNING, 1)
    assert now.instance_seconds > 0
    ends(cluster, 0, 0)
    ends(cluster, 1, 2)  # refused: not tried again
    wait_until(lambda: run.progress().state is BatchState.FAILED)
    failed = run.progress()
    assert set(failed.exit_codes) == {0, 2}
    assert failed.instance_seconds == pytest.approx(180)
    assert "index" in failed.detail
    # Another call of the command finds it, and begins it again.
    other = KubernetesBatch(place, ORDER, said.append)
    other.start()
    assert len(said) == 1
    wait_until(lambda: len(pods(cluster)) == 2)
    other.stop()
    assert pods(cluster) == []
    assert other.progress().state is BatchState.STOPPED
    other.start()
    ends(cluster, 0, 0)
    ends(cluster, 1, 1)  # fails, and is tried again
    ends(cluster, 1, 75)  # stopped at a checkpoint, and goes on
    ends(cluster, 1, 0)
    wait_until(lambda: other.progress().state is BatchState.COMPLETE)
    assert other.progress().exit_codes == (0, 0)
    other.start()  # complete: nothing is left to do
    other.collect()
    assert other.progress().detail == "The Job api-b-0a1b2c3d is gone."
    other.collect()  # once more is no fault


def test_without_a_service_no_batch_is_started(place: KubernetesPlace) -> None:
    elsewhere = KubernetesPlace("kubernetes", "other", "batches", kubeconfig=place.kubeconfig)
    with pytest.raises(Refused, match="Namespace batches has no other, whose image a batch runs"):
        KubernetesBatch(elsewhere, ORDER, print).start()
