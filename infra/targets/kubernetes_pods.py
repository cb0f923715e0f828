"""What the pods of a Job say of themselves: whether they run, since when, how they ended. Pure; seconds."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import listed


def running(pod: Mapping[str, Any]) -> bool:
    return any(at(state, "running") for state in _states(pod))


def ended(pod: Mapping[str, Any]) -> int | None:
    """Return the exit code of a pod's container; None while it runs or has not begun.

    A pod that went without its container's end, such as with its node, counts as killed.
    """
    for state in _states(pod):
        if terminated := at(state, "terminated"):
            return int(terminated.get("exitCode", 0))
    return -1 if at(pod, "status").get("phase") in ("Failed", "Succeeded") else None


def pod_seconds(pod: Mapping[str, Any], now: float) -> float:
    """Return how long a pod's container has run so far."""
    return sum(_seconds(state, now) for state in _states(pod))


def why_waiting(pod: Mapping[str, Any]) -> str:
    """Return why a pod does not run, in the cluster's words; '' for one that does or did."""
    if at(pod, "status").get("phase") != "Pending":
        return ""
    for state in _states(pod):
        waiting = at(state, "waiting")
        if waiting.get("message"):
            return f"{waiting.get('reason')}: {waiting['message']}"
    unmet = (each for each in listed(at(pod, "status"), "conditions") if each.get("status") == "False")
    return next((str(each["message"]) for each in unmet if each.get("message")), "")


def _states(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for status in listed(at(pod, "status"), "containerStatuses"):
        yield at(status, "state")


def _seconds(state: Mapping[str, Any], now: float) -> float:
    terminated, begun = at(state, "terminated"), at(state, "running")
    if terminated.get("startedAt") and terminated.get("finishedAt"):
        return _time(terminated["finishedAt"]) - _time(terminated["startedAt"])
    return max(now - _time(begun["startedAt"]), 0) if begun.get("startedAt") else 0


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
