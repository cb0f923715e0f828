"""Watches the pods of both versions during a rollout: what they counted, and whether the new ones stay up."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from slipway.components.local.metrics_page import counts_in, page_of
from slipway.components.rollouts.counts import ServerCounts
from slipway.components.rollouts.pods import Counting, verdicts_of
from slipway.components.rollouts.rollback_rules import RollbackRule, RuleVerdict
from slipway.infra.errors import Failed
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import conditions, listed
from slipway.infra.targets.kubernetes_objects import ServiceObjects, server_in
from slipway.infra.targets.port_forward import PodPorts

METRICS = "metrics"
"""The name of the metrics page's port: components/kubernetes/pod.py."""
# Of each version; a larger one is judged by a sample.
_MOST_PODS = 10
# A probe fails three times before a pod is unready; this often it may be so.
_MOST_UNREADY_LOOKS = 3


def port_of(server: Mapping[str, Any], name: str) -> int | None:
    """Return the number of a container's port; None without one of that name."""
    ports = {each.get("name"): each.get("containerPort") for each in listed(server, "ports")}
    return ports.get(name)


class WatchedPods:
    """The pods of one version, through connections that stay open until `close`."""

    def __init__(self, objects: ServiceObjects, name: str, path: str) -> None:
        self._objects, self._name, self._path = objects, name, path
        self._open: dict[str, PodPorts] = {}
        self._unready_looks = 0
        self.pods: list[dict[str, Any]] = []

    def look(self) -> dict[str, ServerCounts]:
        """Read the pods anew; return pod -> what it has counted, for those that answer."""
        self.pods = self._objects.pods(self._name)
        found = {pod["metadata"]["name"]: self._counts(pod) for pod in self.pods[:_MOST_PODS]}
        return {name: counts for name, counts in found.items() if counts is not None}

    def fault(self) -> str:
        """Return why these pods are no good, as the cluster shows them; '' if they are."""
        for pod in self.pods:
            if ended := _ended(pod):
                return ended
        unready = [pod["metadata"]["name"] for pod in self.pods if not _is_ready(pod)]
        self._unready_looks = self._unready_looks + 1 if unready or not self.pods else 0
        if self._unready_looks < _MOST_UNREADY_LOOKS:
            return ""
        return f"pod {unready[0]} is not ready any more" if unready else "it has no pod any more"

    def close(self) -> None:
        for ports in self._open.values():
            ports.close()
        self._open.clear()

    def _counts(self, pod: Mapping[str, Any]) -> ServerCounts | None:
        name, port = pod["metadata"]["name"], port_of(server_in(pod), METRICS)
        if port is None or not _is_ready(pod):
            return None
        try:
            text = page_of(self._forwarded(name, port), self._path)
        except Failed:
            return None
        if text is None:
            self._forget(name)
        return None if text is None else counts_in(text)

    def _forwarded(self, name: str, port: int) -> int:
        ports = self._open.get(name)
        if ports is None or not ports.is_open:
            self._forget(name)
            ports = PodPorts(self._objects.place, name, [port])
            self._open[name] = ports.__enter__()
        return ports.local[port]

    def _forget(self, name: str) -> None:
        if (ports := self._open.pop(name, None)) is not None:
            ports.close()


class Comparison:
    """Both versions from one moment on."""

    def __init__(self, old: WatchedPods, new: WatchedPods, rules: Sequence[RollbackRule]) -> None:
        self._old, self._new, self._rules = old, new, rules
        self._old_counting, self._new_counting = Counting(), Counting()

    def begin(self, *, with_past: bool) -> None:
        """Take what was counted so far as the beginning.

        with_past: compare with all that the old version ever answered, because it gets no requests now.
        """
        self._old_counting = Counting({} if with_past else self._old.look())
        self._new_counting = Counting(self._new.look())

    def look(self) -> list[RuleVerdict]:
        with suppress(Failed):  # what is known of the old version stays
            self._old_counting.see(self._old.look())
        self._new_counting.see(self._new.look())
        return verdicts_of(self._rules, self._new_counting.each(), self._old_counting.each())

    @property
    def requests(self) -> dict[str, int]:
        return {
            "old": int(sum(each.requests for each in self._old_counting.each())),
            "new": int(sum(each.requests for each in self._new_counting.each())),
        }


def _is_ready(pod: Mapping[str, Any]) -> bool:
    return conditions(pod).get("Ready", {}).get("status") == "True"


def _ended(pod: Mapping[str, Any]) -> str:
    """Return how the pod's server ended; '' if it did not."""
    name = at(pod, "metadata").get("name")
    for container in listed(at(pod, "status"), "containerStatuses"):
        if not container.get("restartCount"):
            continue
        last = at(container, "lastState", "terminated")
        why = last.get("reason") or "Error"
        return f"pod {name} was started again: {why} (exit code {last.get('exitCode', '?')})"
    if at(pod, "status").get("phase") == "Failed":
        reason = at(pod, "status").get("reason") or at(pod, "status").get("message") or "Failed"
        return f"pod {name} failed: {reason}"
    return ""
