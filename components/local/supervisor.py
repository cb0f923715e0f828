"""Runs one local server: starts it under a memory limit, passes signals on, records how it ended.

Run as `python -m slipway.components.local.supervisor [--restart] [--code FOLDER] [--socket N]… RUN_FOLDER
LIMIT_BYTES COMMAND…` in a session of its own, with the server's environment. Writes the server's output to
the log, and hands it the sockets, whose descriptors its environment names. Exits when the server does; with
`--restart` it starts the server again until it is asked to stop.
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
# Before a server that died is started again: twice as long each time, unless it had run for a while.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_STEADY_SECONDS = 60.0


class _Server:
    """The child process. `asked_to_stop` distinguishes a stop from a crash."""

    def __init__(
        self, command: list[str], cgroup: Cgroup | None, code: str | None, sockets: Sequence[int]
    ) -> None:
        """Start it. code: the working directory. sockets: descriptors to hand over."""
        self.asked_to_stop = False
        self.started_at = time.time()
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

    def stop(self) -> None:
        self._pass_on(signal.SIGTERM, None)

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
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--code")
    parser.add_argument("--socket", type=int, action="append", default=[])
    parser.add_argument("folder", type=Path)
    parser.add_argument("limit_bytes", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    log = RotatingLog(given.folder)  # before the server, which would run on alone if there were none
    server = _started(given)
    if not given.restart:
        for descriptor in given.socket:
            os.close(descriptor)  # the server alone has them, so that they close with it
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        _watch(given, server, log)
        if not given.restart or server.asked_to_stop:
            break
        if time.time() - server.started_at > _STEADY_SECONDS:
            pause_seconds = _FIRST_PAUSE_SECONDS
        if not _paused(server, pause_seconds):
            break
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        before, server = server, _started(given)
        if before.asked_to_stop:  # just before the new one took its signals
            server.stop()
    log.close()
    return 0


def _started(given: argparse.Namespace) -> _Server:
    cgroup = cgroup_with_limit(group_name(os.getpid()), given.limit_bytes)
    return _Server(given.command, cgroup, given.code, given.socket)


def _watch(given: argparse.Namespace, server: _Server, log: RotatingLog) -> None:
    """Record a server and wait for its end."""
    record = ProcessRecord(
        supervisor=ProcessId.of(os.getpid()),
        server=ProcessId.of(server.process.pid),
        limit_bytes=given.limit_bytes,
        enforced_by=f"cgroup v{server.cgroup.version}" if server.cgroup else "watchdog",
        started_at=server.started_at,
    )
    record.write(given.folder)
    output = Output(server.process, log)
    record = record.with_end(server.ended(given.limit_bytes))
    output.wait(_LAST_OUTPUT_SECONDS)
    assert record.ended
    if record.ended.cause != "stopped":
        log.write(json_line("error", record.end_in_words()))
    record.write(given.folder)


def _paused(server: _Server, seconds: float) -> bool:
    """Wait before the next start; return whether it still is to come."""
    end = time.monotonic() + seconds
    while not server.asked_to_stop and time.monotonic() < end:
        time.sleep(_WATCH_SECONDS)
    return not server.asked_to_stop


if __name__ == "__main__":
    sys.exit(main())
