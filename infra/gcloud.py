"""Asks Google Cloud about a Cloud Run service through `gcloud`, the person's own login; changes nothing."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from infra.errors import Failed, Refused
from infra.status import Status

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CloudRunPlace:
    """Which service it is."""

    service: str
    project: str
    region: str

    @property
    def flags(self) -> list[str]:
        return [self.service, "--project", self.project, "--region", self.region]


def cloud_run_status(stack: str, place: CloudRunPlace) -> Status:
    """The status of the service now. Raises Refused without gcloud, Failed where it cannot tell."""
    done = _gcloud(["run", "services", "describe", *place.flags, "--format", "json"])
    if done.returncode:
        if "NOT_FOUND" in done.stderr or "Cannot find service" in done.stderr:
            return Status(stack, "cloud-run", "stopped", reason=f"{place.project} has no {place.service}.")
        raise Failed(_said(done))
    service = _object(done.stdout)
    state, reason = _state(service)
    container = _at(service, "spec", "template", "spec", "containers", 0)
    environment = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    return Status(
        stack=stack,
        target="cloud-run",
        state=state,
        url=_at(service, "status").get("url"),
        limits=dict(_at(container, "resources", "limits")) or None,
        started_at=_at(service, "metadata").get("creationTimestamp"),
        model=environment.get("MODEL_SOURCE") or container.get("image"),
        version=_at(service, "status").get("latestReadyRevisionName"),
        reason=reason,
    )


def cloud_run_logs(place: CloudRunPlace, tail: int) -> Iterator[str]:
    """The last `tail` log entries, oldest first, one JSON object a line."""
    done = _gcloud(
        ["run", "services", "logs", "read", *place.flags, "--limit", str(max(tail, 1)), "--format", "json"]
    )
    if done.returncode:
        raise Failed(_said(done))
    entries: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    for entry in reversed(entries[:tail]):
        payload = entry.get("jsonPayload") or {"message": entry.get("textPayload", "")}
        yield json.dumps({"time": entry.get("timestamp"), **payload}, ensure_ascii=False) + "\n"


def following(place: CloudRunPlace) -> list[str]:
    """The command that prints the log as it is written."""
    return [_program(), "beta", "run", "services", "logs", "tail", *place.flags]


def _state(service: Mapping[str, Any]) -> tuple[str, str | None]:
    """Knative's Ready condition: True, False with a message, or Unknown while a revision is starting."""
    conditions = cast("list[dict[str, Any]]", _at(service, "status").get("conditions", []))
    nothing: dict[str, Any] = {}
    ready = next((found for found in conditions if found.get("type") == "Ready"), nothing)
    states = {"True": "ready", "False": "failed"}
    state = states.get(ready.get("status", ""), "starting")
    return state, None if state == "ready" else ready.get("message")


def _gcloud(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [_program(), *arguments], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"gcloud did not answer within {_TIMEOUT_SECONDS} s.") from None


def _program() -> str:
    found = shutil.which("gcloud")
    if found is None:
        raise Refused(
            "A Cloud Run stack is asked through the Google Cloud CLI, `gcloud`, which is not on PATH: "
            "https://cloud.google.com/sdk/docs/install tells how to get it; then `gcloud auth login`."
        )
    return found


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return "gcloud says: " + (" ".join(lines[:3]) or f"nothing (exit code {done.returncode}).")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Failed("gcloud's answer is not the JSON object that was asked for; is it up to date?")
    return cast("dict[str, Any]", found)


def _at(value: Any, *path: str | int) -> dict[str, Any]:
    """What stands at `path`; an empty object where it is not there."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
