"""Reads a local service's current status from its run folder and its process; starts and stops nothing."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from slipway.components.local.deploy import SMOKE
from slipway.components.local.process import is_ready
from slipway.components.local.record import Lease, ProcessRecord, read_json, serving_folder
from slipway.components.local.rollout import Rollout, as_json
from slipway.components.rollouts.states import BACK, CUT_OFF, SERVES
from slipway.infra.targets.local_jobs import local_jobs
from slipway.infra.targets.signals import signals_of

_MIB = 2**20
_STUCK = (
    "An inference thread has been busy with one step for longer than a request may take. It may recover; to "
    "start the service again, stop it first."
)


@dataclass(frozen=True, slots=True)
class Status:
    """state: ready, starting, stuck, stopped or failed. rss_mib in MiB, started_at in ISO 8601 UTC.

    limits: `memory_mib` in MiB, `memory_enforced_by`. device: what the model computes on, `cpu` or `cuda`,
    with the GPU's name where it is known. reason: why it failed. signals: as `signals.py` reads them from the
    metrics page of a process. release: the one that serves, by its number or name. rollout: the last one, as
    components/local/rollout.py has it. smoke: what came of the last smoke test. jobs: how many wait, run and
    were set aside, and the workers. None = does not apply.
    """

    stack: str
    target: str
    state: str
    url: str | None = None
    pid: int | None = None
    rss_mib: float | None = None
    limits: dict[str, Any] | None = None
    started_at: str | None = None
    model: str | None = None
    version: str | None = None
    device: str | None = None
    started_by: str | None = None
    reason: str | None = None
    signals: dict[str, Any] | None = None
    release: int | str | None = None
    rollout: dict[str, Any] | None = None
    smoke: dict[str, Any] | None = None
    jobs: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def local_status(stack: str, folder: Path) -> Status:
    """Read the status of the local service with this run folder. Raises RecordError for a damaged record."""
    lease, record = Lease.read(folder), ProcessRecord.read(serving_folder(folder))
    rollout = Rollout.read(folder)
    if lease is None or record is None:
        return Status(stack, "local", "stopped", rollout=as_json(rollout) if rollout else None)
    server = record.server.process()
    state, reason = _state(lease, record, server)
    return Status(
        stack=stack,
        target="local",
        state=state,
        url=lease.url,
        pid=record.server.pid if server else None,
        rss_mib=_rss_mib(server),
        limits={"memory_mib": record.limit_bytes // _MIB, "memory_enforced_by": record.enforced_by},
        started_at=datetime.fromtimestamp(record.started_at, UTC).isoformat(timespec="seconds"),
        model=lease.model,
        version=lease.version,
        device=served_device(lease.url) if state == "ready" else None,
        started_by=lease.owner,
        reason=reason,
        signals=signals_of(folder, server, lease.url, record.limit_bytes),
        release=lease.release or None,
        rollout=as_json(rollout) if rollout else None,
        smoke=read_json(folder / SMOKE),
        jobs=local_jobs(folder, server, lease.url),
    )


def _state(lease: Lease, record: ProcessRecord, server: psutil.Process | None) -> tuple[str, str | None]:
    if server:
        return running_state(lease.url)
    if record.ended is None:
        return "failed", "The server and its supervisor are gone; something killed both."
    if record.ended.cause == "stopped":
        return "stopped", None
    return "failed", record.end_in_words()


def _rss_mib(server: psutil.Process | None) -> float | None:
    try:
        return round(server.memory_info().rss / _MIB, 1) if server else None
    except psutil.Error:
        return None


def with_smoke(status: Status, folder: Path) -> Status:
    """Add what came of the last smoke test from this machine. folder: the stack's, as its run folder."""
    return status if status.smoke else replace(status, smoke=read_json(folder / SMOKE))


def rollout_words(rollout: Mapping[str, Any]) -> str:
    """Return the last rollout for people: what happens or happened, why, and what that means."""
    new, state = f"release {rollout['new']}", rollout["state"]
    if state == BACK:
        return f"{new} went back: {rollout['reason']}"
    if state == CUT_OFF:
        return f"{new} was cut off: {rollout['reason']}; the next `slipway up` or `slipway rollback` mends it"
    if "stage" in rollout:  # of ECS, which has a clock of its own
        share = f"{new}, {rollout['kind']}, has {rollout['percent']:g}% of the requests, {state}"
        return f"{share}: {rollout['stage']}" if rollout["stage"] else share
    if state == SERVES:
        return f"{new} serves, {rollout['kind']}"
    if not rollout["bake_seconds"]:
        return f"{new} is starting"
    share = f"{new} has {rollout['percent']:g}% of the requests, {state}"
    return f"{share}: {rollout['baked_seconds']:.0f} of {rollout['bake_seconds']:.0f} s"


def smoke_words(smoke: Mapping[str, Any]) -> str:
    """Return the last smoke test for people."""
    if smoke["fault"]:
        return f"failed: {smoke['fault']}"
    requests = "1 request" if smoke["cases"] == 1 else f"{smoke['cases']} requests"
    return f"passed, {requests}, first in {smoke['latency_ms']:g} ms, {smoke['model_version']}"


def running_state(url: str) -> tuple[str, str | None]:
    """Return the state of a running server process on this machine, and the reason if it is not ready."""
    if is_ready(url):
        return "ready", None
    return ("stuck", _STUCK) if _health(url).get("state") == "stuck" else ("starting", None)


def served_device(url: str) -> str | None:
    """Return the device that a local server reports in `/health`; None without an answer or a device."""
    health = _health(url)
    device, gpu = health.get("device"), health.get("gpu")
    return f"{device} ({gpu})" if device and gpu else device


def _health(url: str) -> dict[str, Any]:
    """Return what `/health` answers; empty if there is no answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/health")
        health = json.loads(connection.getresponse().read())
        return health if isinstance(health, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def declared_device(environment: Mapping[str, Any], gpus: Any, gpu: str = "") -> str:
    """Return the device of a ready service in a cloud: DEVICE, without which it does not start.

    The service is not called, because that may need a separate login and start an instance.
    environment: the server's. gpus: how many an instance has. gpu: their name, '' where it is not known.
    """
    if not gpus:
        return "cpu"
    if environment.get("DEVICE") == "cuda":
        return f"cuda ({gpu})" if gpu else "cuda"
    return "cuda, or cpu where the GPU cannot be used: deployed before DEVICE was set; the next `up` sets it"
