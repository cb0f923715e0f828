"""What a local service is doing now, read from its run folder and its process; starts and stops nothing."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from components.local.process import is_ready
from components.local.record import Lease, ProcessRecord

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Status:
    """state: ready, starting, stopped or failed. rss_mb in MiB, started_at in ISO 8601 UTC.

    limits: `memory_mb` in MiB, `memory_enforced_by`. reason: why it failed. None = does not apply.
    """

    stack: str
    target: str
    state: str
    url: str | None = None
    pid: int | None = None
    rss_mb: float | None = None
    limits: dict[str, Any] | None = None
    started_at: str | None = None
    model: str | None = None
    version: str | None = None
    started_by: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def local_status(stack: str, folder: Path) -> Status:
    """The status of the local service whose run folder this is. Raises RecordError for a damaged record."""
    lease, record = Lease.read(folder), ProcessRecord.read(folder)
    if lease is None or record is None:
        return Status(stack, "local", "stopped")
    server = record.server.process()
    state, reason = _state(lease, record, server)
    return Status(
        stack=stack,
        target="local",
        state=state,
        url=lease.url,
        pid=record.server.pid if server else None,
        rss_mb=_rss_mb(server),
        limits={"memory_mb": record.limit_bytes // _MIB, "memory_enforced_by": record.enforced_by},
        started_at=datetime.fromtimestamp(record.started_at, UTC).isoformat(timespec="seconds"),
        model=lease.model,
        version=lease.version,
        started_by=lease.owner,
        reason=reason,
    )


def _state(lease: Lease, record: ProcessRecord, server: psutil.Process | None) -> tuple[str, str | None]:
    if server:
        return ("ready" if is_ready(lease.url) else "starting"), None
    if record.ended is None:
        return "failed", "The server and its supervisor are gone; something killed both."
    if record.ended.cause == "stopped":
        return "stopped", None
    return "failed", record.end_in_words()


def _rss_mb(server: psutil.Process | None) -> float | None:
    try:
        return round(server.memory_info().rss / _MIB, 1) if server else None
    except psutil.Error:
        return None
