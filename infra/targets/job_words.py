"""What every target shows of jobs and of the workers that compute them."""

from collections.abc import Mapping
from typing import Any


def job_words(jobs: Mapping[str, Any]) -> str:
    """Return the jobs for people."""
    if jobs["waiting"] is None:
        counts = "not counted"
    else:
        counts = f"{jobs['waiting']} waiting, {jobs['running']} running"
        counts += f", {jobs['set_aside']} set aside" if jobs["set_aside"] else ""
        counts += f", the oldest for {jobs['oldest_seconds']} s" if jobs["oldest_seconds"] else ""
    workers = [_worker_words(each) for each in jobs["workers"]]
    return f"{counts}; workers: {'; '.join(workers) or 'none runs; `slipway up` starts one'}"


def worker_group(
    name: str, running: int | None, wanted: int | None, state: str, version: str | None, reason: str | None
) -> dict[str, Any]:
    """Return the workers of a cloud as JSON. running: None where the cloud does not count them.

    state: ready, starting, stopped, failed or missing. reason: why some do not start; None for none.
    """
    return {
        "name": name,
        "running": running,
        "wanted": wanted,
        "state": state,
        "version": version,
        "reason": reason,
    }


def _worker_words(worker: Mapping[str, Any]) -> str:
    """Return a process of this machine, or a group of workers in a cloud, for people."""
    if "pid" in worker:
        return f"pid {worker['pid']} {worker['state']}, {worker['rss_mib']:g} MiB"
    running = "" if worker["running"] is None else f"{worker['running']} of "
    version = f", {worker['version']}" if worker["version"] else ""
    reason = f" ({worker['reason']})" if worker["reason"] else ""
    return f"{running}{worker['wanted']} in {worker['name']} {worker['state']}{version}{reason}"
