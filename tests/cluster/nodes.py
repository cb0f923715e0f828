"""Nodes without machines, and the kubelet that they lack: what is scheduled there becomes ready at once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.api import Api
from tests.cluster.control_plane import NotStarted, wait_until

_NEVER = "2026-01-01T00:00:00Z"


def make_node(
    api: Api,
    name: str,
    room: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
) -> None:
    """Create a node that is ready. room: what pods can request of it."""
    all_labels = {"kubernetes.io/hostname": name, **(labels or {})}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": all_labels}}
    api.apply(node)
    sizes = {"pods": "110", "ephemeral-storage": "100Gi", **room}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Played",
        "message": "",
        "lastHeartbeatTime": _NEVER,
        "lastTransitionTime": _NEVER,
    }
    status = {"capacity": sizes, "allocatable": sizes, "conditions": [ready]}
    api.patch(node, {"status": status}, "/status")
    # A new node is tainted as not ready; its lifecycle's controller, which is not here, takes that away.
    api.patch(node, {"spec": {"taints": taints or []}})


@dataclass
class Kubelet:
    """Plays the nodes' part for the pods of one namespace. seen: what was there at each look."""

    api: Api
    namespace: str
    starts: Callable[[Mapping[str, Any]], bool] = lambda _pod: True
    seen: list["Look"] = field(default_factory=list["Look"])

    def step(self) -> None:
        """Look, then let what was scheduled get ready and what ends be gone."""
        pods = self.api.all_of("Pod", namespace=self.namespace)
        self.seen.append(Look.of(pods))
        for pod in pods:
            if "deletionTimestamp" in pod["metadata"]:
                self.api.delete(pod, grace_seconds=0)
            elif "nodeName" in pod["spec"] and not _is_ready(pod):
                status = _running(pod) if self.starts(pod) else _without_image(pod)
                if status["phase"] == "Running" or "containerStatuses" not in pod["status"]:
                    self.api.patch(pod, {"status": status}, "/status")

    def wait_until(self, holds: Callable[[], bool]) -> None:
        def after_a_step() -> bool:
            self.step()
            return holds()

        try:
            wait_until(after_a_step)
        except NotStarted:
            pods = self.api.all_of("Pod", namespace=self.namespace)
            raise NotStarted(f"the pods are: {json.dumps([pod['status'] for pod in pods])[:2000]}") from None


@dataclass(frozen=True, slots=True)
class Look:
    """ready: pods that answer and stay. there: pods on a node, ending ones among them. pending: on none."""

    ready: int
    there: int
    pending: int

    @classmethod
    def of(cls, pods: list[dict[str, Any]]) -> "Look":
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return cls(
            ready=sum(map(_is_ready, staying)),
            there=sum("nodeName" in pod["spec"] for pod in pods),
            pending=sum("nodeName" not in pod["spec"] for pod in staying),
        )


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _without_image(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a pod whose image is missing, as the kubelet writes it (image_manager.go)."""
    names = [(container["name"], container["image"]) for container in pod["spec"]["containers"]]
    waiting = [
        {
            "name": name,
            "image": image,
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "started": False,
            "state": {"waiting": _backing_off(image)},
        }
        for name, image in names
    ]
    kept = [c for c in pod["status"].get("conditions", []) if c["type"] == "PodScheduled"]
    late = [
        {
            "type": kind,
            "status": "False",
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: {[name for name, _ in names]}",
            "lastTransitionTime": _NEVER,
        }
        for kind in ("ContainersReady", "Ready")
    ]
    initialized = {"type": "Initialized", "status": "True", "lastTransitionTime": _NEVER}
    conditions = [*kept, initialized, *late]
    return {"phase": "Pending", "conditions": conditions, "containerStatuses": waiting, "startTime": _NEVER}


def _backing_off(image: str) -> dict[str, str]:
    return {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}


def _running(pod: Mapping[str, Any]) -> dict[str, Any]:
    kept = [c for c in pod["status"].get("conditions", []) if c["type"] == "PodScheduled"]
    good = [
        {"type": kind, "status": "True", "lastTransitionTime": _NEVER}
        for kind in ("Initialized", "ContainersReady", "Ready")
    ]
    return {"phase": "Running", "conditions": [*kept, *good], "podIP": "10.1.0.1", "startTime": _NEVER}
