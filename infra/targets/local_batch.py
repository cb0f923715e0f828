"""A batch on this machine: the server's code in a process with a memory limit, ending with the command."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.components.local.memory import Cgroup, anonymous_bytes, cgroup_with_limit
from slipway.components.local.private import make_private
from slipway.infra.errors import Failed
from slipway.infra.targets.batch_run import (
    COMPLETE,
    REFUSED,
    STOPPED,
    TOO_MANY_FAILED,
    BatchOrder,
    BatchProgress,
    BatchRun,
    BatchState,
    ShardLines,
)

LOG = "batch.log"
_WATCH_SECONDS = 0.2
# What a bucket's client reads: credentials, endpoints and proxies.
_FOR_BUCKETS = ("AWS_", "GOOGLE_", "GCE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_")
_STATES = {
    COMPLETE: BatchState.COMPLETE,
    TOO_MANY_FAILED: BatchState.COMPLETE,
    STOPPED: BatchState.STOPPED,
}


class LocalBatch(BatchRun):
    """One process, and the worker that it runs; both end when the command does, however it ends."""

    where = "this machine"

    def __init__(self, order: BatchOrder, folder: Path, model: Path, memory_bytes: int) -> None:
        """Prepare. folder: for the log. model: its folder. memory_bytes: the limit of the processes."""
        self._order, self._folder, self._model = order, folder, model
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[str] | None = None
        self._lines, self._error = ShardLines(), ""
        self._begun = self._ended = 0.0
        self._exceeded = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if self._process is not None:
            return
        make_private(self._folder)
        reading, self._lifeline = os.pipe()
        group = cgroup_with_limit(f"slipway-batch-{os.getpid()}", self._memory_bytes)
        try:
            self._process = self._started(reading, group)
        except subprocess.SubprocessError:  # the group may be made but not entered
            if group is not None:
                group.remove()
            group = None
            self._process = self._started(reading, None)
        finally:
            os.close(reading)
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)]
        self._threads.append(threading.Thread(target=self._watch, args=(group,), daemon=True))
        for thread in self._threads:
            thread.start()

    def progress(self) -> BatchProgress:
        process = self._process
        code = None if process is None else process.poll()
        if code is not None:
            for thread in self._threads:
                thread.join()
        state = BatchState.RUNNING if code is None else _STATES.get(code, BatchState.FAILED)
        found = self._lines.progress(state, 1, int(code is None))
        detail = self._error
        if self._exceeded:
            detail = f"The memory limit of {self._memory_bytes >> 20} MiB was exceeded. {detail}"
        seconds = (self._ended or time.monotonic()) - self._begun if self._begun else 0.0
        return BatchProgress(
            state,
            found.rows,
            found.rows_done,
            found.rows_failed,
            found.rows_per_second,
            found.seconds_left,
            found.instances,
            seconds,
            detail.strip(),
            () if code is None else (code,),
        )

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    def collect(self) -> None:
        """Do nothing: the processes have ended, and the log stays."""

    def log_command(self) -> str:
        return f"cat {self._folder / LOG}"

    def _started(self, reading: int, group: Cgroup | None) -> subprocess.Popen[str]:
        def first() -> None:
            if group is not None:
                group.add_self()

        try:
            return subprocess.Popen(
                [sys.executable, "-m", "slipway.service"],
                cwd=ROOT if IS_CHECKOUT else self._folder,
                env=self._environment(reading),
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C goes to the command, which stops it
                preexec_fn=first,
            )
        except OSError as error:
            raise Failed(f"The batch could not be started: {error.strerror}.") from None

    def _environment(self, reading: int) -> dict[str, str]:
        """Return a new environment, because the caller's own may hold passphrases."""
        kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_FOR_BUCKETS)}
        return {
            **kept,
            "PATH": os.defpath,
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "MODEL_DIR": str(self._model),
            "BATCH_PROGRESS_SECONDS": "0.5",
            "BATCH_LIFELINE_FD": str(reading),
            **self._order.environment,
        }

    def _read(self, output: IO[str]) -> None:
        with (self._folder / LOG).open("w", encoding="utf-8") as log:
            for line in output:
                with suppress(OSError):  # a disk that is full ends no batch
                    log.write(line)
                    log.flush()
                self._lines.read([line])
                if error := error_of(line):
                    self._error = error

    def _watch(self, group: Cgroup | None) -> None:
        """Wait for the end; without a cgroup, kill a worker whose memory exceeds the limit."""
        process = self._process
        assert process is not None
        while process.poll() is None:
            if group is None:
                self._kill_excess(process.pid)
            with suppress(subprocess.TimeoutExpired):
                process.wait(None if group is not None else _WATCH_SECONDS)
        self._ended = time.monotonic()
        if group is not None:
            self._exceeded = group.killed_for_memory()
            group.remove()

    def _kill_excess(self, pid: int) -> None:
        with suppress(psutil.Error):
            for worker in psutil.Process(pid).children():
                if anonymous_bytes(worker.pid) > self._memory_bytes:
                    self._exceeded = True
                    worker.kill()


def error_of(line: str) -> str:
    """Return the message of a log line that is an error; '' for any other."""
    found = ShardLines.entry_of(line)
    level = str(found.get("level", found.get("severity", ""))).lower()
    return str(found.get("message", "")) if level in ("error", "critical") else ""


def refused(progress: BatchProgress) -> bool:
    """Return whether a container refused its input, output or options."""
    return REFUSED in progress.exit_codes
