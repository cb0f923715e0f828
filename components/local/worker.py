"""The worker of a local service that takes jobs: one process next to the release that serves.

It has the release's code, model and settings, and a memory limit of its own; its supervisor starts it again
when it dies. When another release serves, that one's worker takes over and the old one drains. The jobs are
in the service's run folder and stay when all of this is stopped.
"""

import base64
import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..jobs.spec import DATABASE, WEBHOOK_SECRET
from ..need import inference_threads
from . import kept_files, process
from .launch import HOST, Launch, interrupts_held, spawned_worker
from .log import last_lines
from .private import make_private
from .process import StartFailed
from .record import (
    LOG,
    Lease,
    ProcessRecord,
    read_json,
    unwritable,
    worker_folder,
    worker_folders,
    write_json,
)
from .release import Release

JOBS_FILE, SECRET_FILE, WORKER_FILE = "jobs.sqlite", "webhook-secret", "worker.json"
_OWN_MODE = 0o600
_POLL_SECONDS = 0.05
# As the specification of Standard Webhooks asks for: 24 to 64 random bytes.
_SECRET_BYTES = 32


def takes_jobs(inputs: Mapping[str, Any]) -> bool:
    """Return whether a service with these inputs takes jobs."""
    return inputs.get("jobs") is not None


def jobs_environment(folder: Path, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of what works with the jobs of a service; {} where it takes none.

    Makes the file of the jobs, and of the key of webhooks where there may be some, for this user alone.
    """
    if not takes_jobs(inputs):
        return {}
    found = {**inputs["jobs"], DATABASE: f"sqlite:///{_own_file(folder / JOBS_FILE).resolve()}"}
    if found.get("JOBS_WEBHOOK_HOSTS"):
        found[WEBHOOK_SECRET] = _webhook_secret(folder)
    return found


def follow(folder: Path) -> None:
    """Let the worker of the release that serves do the work, and no other.

    Raises StartFailed if it does not get ready; the worker before it then goes on.
    """
    lease = Lease.read(folder)
    release = Release.read(folder, lease.release) if lease else None
    own = worker_folder(folder, release.number) if release else None
    if release is not None and own is not None and takes_jobs(release.inputs):
        if not _is_kept_up(own):
            if process.alive(own) is None:
                process.end(own, patience_seconds=1)  # a supervisor that waits before its next start
            else:
                process.end(
                    own
                )  # what outlived its supervisor: its log leads nowhere, and nobody restarts it
            _start(folder, release)
    else:
        own = None
    for other in worker_folders(folder):
        if other != own:
            _dismiss(other)


def running_workers(folder: Path) -> list[dict[str, Any]]:
    """Return the workers that run: release, pid, memory in MiB, and whether each takes jobs."""
    return [found for each in worker_folders(folder) if (found := _as_json(each)) is not None]


def last_worker_lines(folder: Path, count: int) -> list[str]:
    """Return the last lines of the log of the worker of the release that serves."""
    lease = Lease.read(folder)
    return last_lines(worker_folder(folder, lease.release), count) if lease else []


def _is_kept_up(folder: Path) -> bool:
    """Return whether a worker runs, and a supervisor that starts it again when it dies."""
    record = process.alive(folder)
    return record is not None and record.supervisor.process() is not None


def _start(folder: Path, release: Release) -> None:
    """Start a release's worker and wait until it is ready. Raises StartFailed, leaving no process behind."""
    launch = _launch(folder, release)
    make_private(launch.folder)
    supervisor = None
    try:
        with socket.create_server((HOST, 0)) as listening:
            url = f"http://{HOST}:{listening.getsockname()[1]}"
            write_json(launch.folder / WORKER_FILE, {"url": url, "release": release.number})
            with interrupts_held():
                supervisor = spawned_worker(launch, listening)
                process.reap_later(supervisor)
        _wait_until_ready(launch, url)
    except BaseException:
        if supervisor is not None:
            supervisor.terminate()
        process.end(launch.folder, patience_seconds=1)
        raise


def _launch(folder: Path, release: Release) -> Launch:
    inputs = release.inputs
    return Launch(
        folder=worker_folder(folder, release.number),
        port=0,
        threads=inference_threads(inputs["cpu"]),
        memory_bytes=int(inputs["worker_memory_gib"] * 2**30),
        timeout_seconds=inputs["timeout_seconds"],
        model_folder=kept_files.model_of(folder, release),
        version=inputs["code_digest"],
        api_key=process.new_api_key(),  # nobody's: a worker answers no caller
        expected_model=inputs.get("expected_model", ""),
        ready_seconds=process.ready_seconds(inputs.get("load_seconds", 0)),
        code=kept_files.code_of(folder, release),
        jobs=jobs_environment(folder, inputs),
    )


def _wait_until_ready(launch: Launch, url: str) -> None:
    deadline = time.monotonic() + launch.ready_seconds
    while time.monotonic() < deadline:
        record = ProcessRecord.read(launch.folder)
        if record and record.ended:
            lines = process.last_log_lines(launch.folder)
            why = process.last_error(lines) or record.end_in_words()
            raise StartFailed("\n".join([f"The worker did not start: {why}", *_tail(launch.folder, lines)]))
        if record and record.server.process() and process.is_ready(url):
            return
        time.sleep(_POLL_SECONDS)
    lines = process.last_log_lines(launch.folder)
    seconds = f"The worker was not ready within {launch.ready_seconds:.0f} s."
    raise StartFailed("\n".join([seconds, *_tail(launch.folder, lines)]))


def _tail(folder: Path, lines: list[str]) -> list[str]:
    return [f"Last lines of {folder / LOG}:", *(f"  {line}" for line in lines or ["(empty)"])]


def _dismiss(folder: Path) -> None:
    """Let a worker hand over what it computes and end, without waiting for that."""
    record = ProcessRecord.read(folder)
    supervisor = record.supervisor.process() if record else None
    if supervisor is None:
        process.end(folder, patience_seconds=1)
        return
    with suppress(psutil.NoSuchProcess):
        supervisor.terminate()


def _as_json(folder: Path) -> dict[str, Any] | None:
    record, started = ProcessRecord.read(folder), read_json(folder / WORKER_FILE)
    if record is None or started is None or record.supervisor.process() is None:
        return None
    server = record.server.process()
    state = "restarting" if server is None else "ready" if process.is_ready(started["url"]) else "not ready"
    memory = 0.0
    with suppress(psutil.Error):
        memory = round(server.memory_info().rss / 2**20, 1) if server else 0.0
    pid = server.pid if server else None
    return {"release": started["release"], "pid": pid, "state": state, "rss_mib": memory}


def _own_file(path: Path) -> Path:
    """Make an empty file that its owner alone can read, unless it is there. Raises RecordError."""
    try:
        make_private(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _OWN_MODE))
    except OSError as error:
        raise unwritable(path.parent, error) from None
    return path


def _webhook_secret(folder: Path) -> str:
    path = _own_file(folder / SECRET_FILE)
    text = path.read_text(encoding="ascii").strip()
    if not text:
        text = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
        path.write_text(f"{text}\n", encoding="ascii")
    return text
