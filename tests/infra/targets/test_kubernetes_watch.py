"""What the cluster shows of a new version's pods, and how a pod is reached from this machine."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.errors import Failed
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_objects import ServiceObjects
from slipway.infra.targets.kubernetes_watch import WatchedPods
from slipway.infra.targets.port_forward import PodPorts

PLACE = KubernetesPlace("kubernetes", "api", "api")


def pod(*, ready: bool = True, **container: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    if container:
        status["containerStatuses"] = [container]
    return {
        "metadata": {"name": "api-canary-1"},
        "spec": {"containers": [{"name": "server"}]},
        "status": status,
    }


def watched(*looks: list[dict[str, Any]]) -> list[str]:
    """Return the fault at each look."""
    pods = WatchedPods(ServiceObjects(PLACE), "api-canary", "/metrics")
    found: list[str] = []
    for look in looks:
        pods.pods = look
        found.append(pods.fault())
    return found


def test_a_pod_that_was_started_again_is_bad_at_once() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    [said] = watched([pod(), pod(restartCount=1, lastState=ended)])
    assert said == "pod api-canary-1 was started again: OOMKilled (exit code 137)"
    assert watched([pod(restartCount=0)]) == [""]


def test_a_pod_that_is_unready_for_a_moment_is_not() -> None:
    assert watched([pod(ready=False)], [pod()], [pod(ready=False)], [pod(ready=False)]) == [""] * 4
    assert watched(*[[pod(ready=False)]] * 3)[-1] == "pod api-canary-1 is not ready any more"
    assert watched([], [], [])[-1] == "it has no pod any more"


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a `kubectl` on PATH, for a test to write."""
    file = tmp_path / "kubectl"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return file


def write(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_the_ports_of_a_pod_are_those_that_kubectl_chose(kubectl: Path) -> None:
    said = [
        f"echo 'Forwarding from 127.0.0.1:{local} -> {pod}'" for local, pod in ((4000, 8080), (4001, 9464))
    ]
    write(kubectl, "\n".join([*said, "exec sleep 60"]))
    with PodPorts(PLACE, "api-1", [8080, 9464]) as ports:
        assert ports.local == {8080: 4000, 9464: 4001}
        assert ports.is_open
    assert not ports.is_open


def test_a_pod_that_cannot_be_reached_is_named(kubectl: Path) -> None:
    write(kubectl, "echo 'error: pod not found' >&2; exit 1")
    with (
        pytest.raises(Failed, match="`kubectl port-forward pod/api-1` forwards no port"),
        PodPorts(PLACE, "api-1", [8080]),
    ):
        pass
