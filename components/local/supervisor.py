"""Keeps one local server: starts it under a memory limit, passes signals on, writes down how it ended.

Run as `python -m slipway.components.local.supervisor RUN_FOLDER LIMIT_BYTES COMMAND…` in a session of its
own, with the server's environment, and the log as standard output. Exits when the server does.
"""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from .memory import Cgroup, anonymous_bytes, cgroup_with_limit, group_name
from .record import Ended, ProcessId, ProcessRecord

_WATCH_SECONDS = 0.1


class _Server:
    """The child process. `asked_to_stop` tells a stop from a crash."""

    def __init__(self, command: list[str], cgroup: Cgroup | None) -> None:
        self.asked_to_stop = False
        self.peak_bytes = 0
        self.cgroup = cgroup
        signals = (signal.SIGTERM, signal.SIGINT)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        self.process = self._started(command)
        for number in signals:
            signal.signal(number, self._pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self.cgroup:
            try:
                return subprocess.Popen(command, preexec_fn=self._enter)
            except subprocess.SubprocessError:  # the group may be made but not entered: no delegation
                self.cgroup.remove()
                self.cgroup = None
        return subprocess.Popen(command, preexec_fn=_unblock_signals)

    def _enter(self) -> None:
        assert self.cgroup
        self.cgroup.add_self()
        _unblock_signals()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop = True
        self.process.send_signal(number)

    def ended(self, limit_bytes: int) -> Ended:
        """Wait for the end. Without a cgroup, kill the server when its own memory passes the limit."""
        exceeded = False
        while self.process.poll() is None:
            if self.cgroup:
                self.process.wait()
                continue
            self.peak_bytes = max(self.peak_bytes, anonymous_bytes(self.process.pid))
            if self.peak_bytes > limit_bytes:
                exceeded = True
                self.process.kill()
            time.sleep(_WATCH_SECONDS)
        if self.cgroup:
            self.peak_bytes, exceeded = self.cgroup.peak_bytes(), self.cgroup.killed_for_memory()
            self.cgroup.remove()
        code = self.process.returncode
        stopped = self.asked_to_stop or code == 0
        cause = "out_of_memory" if exceeded else "stopped" if stopped else "crashed"
        return Ended(cause, code, self.peak_bytes, time.time())


def _unblock_signals() -> None:
    """The child inherits the blocked mask, and would never see a stop."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main() -> int:
    folder, limit_bytes, command = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    own = ProcessId.of(os.getpid())
    server = _Server(command, cgroup_with_limit(group_name(own.pid), limit_bytes))
    record = ProcessRecord(
        supervisor=own,
        server=ProcessId.of(server.process.pid),
        limit_bytes=limit_bytes,
        enforced_by=f"cgroup v{server.cgroup.version}" if server.cgroup else "watchdog",
        started_at=time.time(),
    )
    record.write(folder)
    record = record.with_end(server.ended(limit_bytes))
    assert record.ended
    if record.ended.cause != "stopped":
        line = {"time": datetime.now(UTC).isoformat(), "level": "error", "message": record.end_in_words()}
        print(json.dumps(line), flush=True)
    record.write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
