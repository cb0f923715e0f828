"""Runs one local server: starts it under a memory limit, passes signals on, records how it ended.

Run as `python -m slipway.components.local.supervisor [--code FOLDER] [--socket N]… RUN_FOLDER LIMIT_BYTES
COMMAND…` in a session of its own, with the server's environment. Writes the server's output to the log, and
hands it the sockets, whose descriptors its environment names. Exits when the server does.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from .log import RotatingLog, json_line
from .memory import Cgroup, anonymous_bytes, cgroup_with_limit, group_name
from .output import Output
from .record import ProcessId, ProcessRecord, ServerExit

_WATCH_SECONDS = 0.1
# For what is still in the pipes when the server has ended; longer only if a process of its own holds them.
_LAST_OUTPUT_SECONDS = 5.0


class _Server:
    """The child process. `asked_to_stop` distinguishes a stop from a crash."""

    def __init__(
        self, command: list[str], cgroup: Cgroup | None, code: str | None, sockets: Sequence[int]
    ) -> None:
        """Start it. code: the working directory. sockets: descriptors to hand over."""
        self.asked_to_stop = False
        self._code = code
        self._sockets = sockets
        self.peak_bytes = 0
        self.cgroup = cgroup
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        self.process = self._started(command)
        for number in signals:
            signal.signal(number, self._pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self.cgroup:
            try:
                return self._child(command, self._enter)
            except subprocess.SubprocessError:  # the group may be made but not entered: no delegation
                self.cgroup.remove()
                self.cgroup = None
        return self._child(command, _unblock_signals)

    def _child(self, command: list[str], first: Callable[[], None]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            preexec_fn=first,
            cwd=self._code,
            pass_fds=self._sockets,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _enter(self) -> None:
        assert self.cgroup
        self.cgroup.add_self()
        _unblock_signals()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop = True
        self.process.send_signal(number)

    def ended(self, limit_bytes: int) -> ServerExit:
        """Wait for the end. Without a cgroup, kill the server when its own memory exceeds the limit."""
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
        return ServerExit(cause, code, self.peak_bytes, time.time())


def _unblock_signals() -> None:
    """Unblock every signal: the child inherits the blocked mask, and would never see a stop."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--code")
    parser.add_argument("--socket", type=int, action="append", default=[])
    parser.add_argument("folder", type=Path)
    parser.add_argument("limit_bytes", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    folder, limit_bytes = given.folder, given.limit_bytes
    own = ProcessId.of(os.getpid())
    log = RotatingLog(folder)  # before the server, which would run on alone if there were none
    cgroup = cgroup_with_limit(group_name(own.pid), limit_bytes)
    server = _Server(given.command, cgroup, given.code, given.socket)
    for descriptor in given.socket:
        os.close(descriptor)  # the server alone has them, so that they close with it
    record = ProcessRecord(
        supervisor=own,
        server=ProcessId.of(server.process.pid),
        limit_bytes=limit_bytes,
        enforced_by=f"cgroup v{server.cgroup.version}" if server.cgroup else "watchdog",
        started_at=time.time(),
    )
    record.write(folder)
    output = Output(server.process, log)
    record = record.with_end(server.ended(limit_bytes))
    output.wait(_LAST_OUTPUT_SECONDS)
    assert record.ended
    if record.ended.cause != "stopped":
        log.write(json_line("error", record.end_in_words()))
    log.close()
    record.write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
