"""What `slipway status` shows of the jobs of a local service: their numbers, and the workers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from slipway.components.local.metrics_page import metrics_port, page_of, samples_of
from slipway.components.local.record import Lease
from slipway.components.local.release import Release
from slipway.components.local.worker import running_workers, takes_jobs

_STATES = ("waiting", "running", "set_aside")


def local_jobs(folder: Path, server: psutil.Process | None, url: str) -> dict[str, Any] | None:
    """Return the jobs of a service as JSON; None where it takes none.

    The numbers are those of the server's metrics page, and None where it does not answer.
    """
    lease = Lease.read(folder)
    release = Release.read(folder, lease.release) if lease else None
    if release is None or not takes_jobs(release.inputs):
        return None
    counted = _counted(server, url) if server else {}
    return {
        **{state: counted.get(state) for state in _STATES},
        "oldest_seconds": counted.get("oldest"),
        "workers": running_workers(folder),
    }


def _counted(server: psutil.Process, url: str) -> dict[str, int]:
    port = metrics_port(server, int(url.rpartition(":")[2]))
    text = page_of(port) if port else None
    found: dict[str, int] = {}
    for each in samples_of(text) if text else ():
        if each.name == "slipway_jobs":
            found[each.labels["state"]] = int(each.value)
        elif each.name == "slipway_jobs_oldest_seconds":
            found["oldest"] = int(each.value)
    return found


def job_words(jobs: Mapping[str, Any]) -> str:
    """Return the jobs for people."""
    if jobs["waiting"] is None:
        counts = "not counted"
    else:
        counts = f"{jobs['waiting']} waiting, {jobs['running']} running"
        counts += f", {jobs['set_aside']} set aside" if jobs["set_aside"] else ""
        counts += f", the oldest for {jobs['oldest_seconds']} s" if jobs["oldest_seconds"] else ""
    workers = [f"pid {each['pid']} {each['state']}, {each['rss_mib']:g} MiB" for each in jobs["workers"]]
    return f"{counts}; worker: {'; '.join(workers) or 'none runs; `slipway up` starts one'}"
