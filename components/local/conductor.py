"""Runs a canary or a blue-green rollout: shares connections out, watches both versions, promotes or returns.

Run as `python -m slipway.components.local.conductor RUN_FOLDER` in a session of its own, so that it outlives
the command that started it. If it is killed, its control connections close with it, and the old version
accepts every connection again by itself. SIGUSR1 promotes, SIGUSR2 pauses or goes on, SIGTERM returns.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from ..rollouts.counts import ServerCounts
from ..rollouts.rollback_rules import RuleVerdict, read_rule
from ..rollouts.states import BACK, PAUSED, SERVES, UNDER_WAY
from . import process, worker
from .control import Control, ControlError
from .launch import DRAIN_SECONDS
from .log import RotatingLog, json_line
from .metrics_page import counts_of
from .record import Lease, ProcessId, ProcessRecord, RecordError, release_folder
from .release import Release, note
from .rollout import ASKED, CANNOT_WRITE, PAUSE, PROMOTE, RETURN, Rollout, serve, wait_until_left
from .splitter import Splitter

LOOK_SECONDS = 1.0
# A machine that slept, or a process that was stopped, has not baked meanwhile.
_LONGEST_LOOK_SECONDS = 5.0
# The thread that shares connections out must not wait for the one that reads metrics.
_SWITCH_SECONDS = 0.0005
# A version whose metrics page does not answer for so long hangs; its clients wait for nothing.
_SILENT_SECONDS = 10.0
# Beyond the time that a version gives its connections and their answers.
_LEAVE_SECONDS = 5.0


class Conductor:
    """One rollout from the moment when both versions are ready."""

    def __init__(self, folder: Path, rollout: Rollout) -> None:
        self._folder = folder
        self._rollout = rollout
        self._old_folder = release_folder(folder, rollout.old)
        self._new_folder = release_folder(folder, rollout.new)
        self._rules = [read_rule(text) for text in rollout.rollback_on]
        self._asked: list[int] = []
        self._old_before, self._new_before = ServerCounts(), ServerCounts()
        self._silent_seconds = 0.0

    def ask(self, number: int, _frame: FrameType | None) -> None:
        self._asked.append(number)

    def run(self) -> None:
        with Control(self._old_folder) as old, Control(self._new_folder) as new:
            if self._rollout.percent < 100:  # else the old one counts by what it answered before
                self._old_before = self._counts(self._old_folder) or ServerCounts()
            self._new_before = self._counts(self._new_folder) or ServerCounts()
            with old.lend() as listening:
                listening.setblocking(False)
                old.share()
                new.share()
                splitter = Splitter(listening, old, new, self._rollout.percent)
                splitter.start()
                try:
                    back = self.watch()
                except BaseException as error:
                    back = f"its conductor failed: {type(error).__name__} {error}"
                if back is None:
                    back = self._promote(new)
                if back is not None:
                    splitter.percent = 0
                leaves = _retired(old if back is None else new)
                splitter.stop()
        self._end(back, leaves=leaves)

    def _promote(self, new: Control) -> str | None:
        """Give the new version the traffic. Return why that failed; None: it serves."""
        lease = Lease.read(self._folder)
        assert lease is not None
        try:
            new.accept()
            serve(self._folder, lease, self._rollout.new)
        except (ControlError, RecordError) as error:
            return f"it could not be promoted: {error}"
        return None

    def _end(self, back: str | None, *, leaves: bool) -> None:
        """Record the end, and end the version without traffic. leaves: whether it was told, and goes."""
        loser = self._rollout.old if back is None else self._rollout.new
        if back is None:
            self._change_worker()
        try:
            self._record(back)
        finally:
            if leaves:
                wait_until_left(self._folder, loser, self._leave_seconds(loser))
            process.end(release_folder(self._folder, loser), patience_seconds=1)

    def _change_worker(self) -> None:
        """Let the worker of the new version do the work; where it cannot, the old one goes on."""
        try:
            worker.follow(self._folder)
        except (process.StartFailed, RecordError) as error:
            log = RotatingLog(self._new_folder)
            log.write(json_line("error", str(error).partition("\n")[0]))
            log.close()

    def _record(self, back: str | None) -> None:
        if back is None:
            self._rollout.ended(self._folder, SERVES)
            return
        if back != ASKED:
            note(self._folder, self._rollout.new, ended_because=back)
        log = RotatingLog(self._old_folder)
        log.write(json_line("error", f"Release {self._rollout.new} went back: {back}"))
        log.close()
        self._rollout.ended(self._folder, BACK, back)

    def _leave_seconds(self, number: int) -> float:
        """Return how long a version that retires may go on with what is open."""
        release = Release.read(self._folder, number)
        answer_seconds = float(release.inputs["timeout_seconds"]) if release else 0.0
        return DRAIN_SECONDS + max(DRAIN_SECONDS, answer_seconds) + _LEAVE_SECONDS

    def watch(self) -> str | None:
        """Watch until the end of the bake. Return why it goes back; None: it is promoted."""
        before = time.monotonic()
        while True:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            passed, before = min(now - before, _LONGEST_LOOK_SECONDS), now
            if self._rollout.state == UNDER_WAY:
                baked = self._rollout.baked_seconds + passed
                self._rollout = replace(self._rollout, baked_seconds=baked)
            if (back := self._asked_for()) is not None:
                return back or None
            if died := self._death():
                return died
            verdicts = self._verdicts(passed)
            if bad := next((each.reason for each in verdicts if each.is_bad), ""):
                return bad
            self._rollout.write(self._folder)
            if self._rollout.baked_seconds >= self._rollout.bake_seconds:
                unknown = next((each.reason for each in verdicts if each.is_open), "")
                return f"undecided: {unknown}" if unknown else None

    def _asked_for(self) -> str | None:
        """Return why it was asked to go back, '' if it was asked to promote, None for neither."""
        while self._asked:
            number = self._asked.pop(0)
            if number == RETURN:
                return ASKED
            if number == PROMOTE:
                return ""
            state = UNDER_WAY if self._rollout.state == PAUSED else PAUSED
            self._rollout = replace(self._rollout, state=state)
        return None

    def _death(self) -> str:
        """Return how the new version's server ended; '' while it lives."""
        record = ProcessRecord.read(self._new_folder)
        if record is None or record.server.process():
            return ""
        deadline = time.monotonic() + 5  # the supervisor writes the end a moment after it
        while record and not record.ended and time.monotonic() < deadline:
            time.sleep(0.05)
            record = ProcessRecord.read(self._new_folder)
        return record.end_in_words() if record and record.ended else "The server was killed."

    def _verdicts(self, passed: float) -> list[RuleVerdict]:
        """Judge the new version by each rule. passed: seconds since the last look."""
        new, old = self._counts(self._new_folder), self._counts(self._old_folder)
        self._silent_seconds = 0.0 if new else self._silent_seconds + passed
        if new is None:
            hangs = self._silent_seconds >= _SILENT_SECONDS
            return [RuleVerdict(is_bad=hangs, is_open=not hangs, reason="its metrics page does not answer")]
        new, old = new.since(self._new_before), (old or self._old_before).since(self._old_before)
        counted = {"old": int(old.requests), "new": int(new.requests)}
        self._rollout = replace(self._rollout, requests=counted)
        return [rule.judge(new, old) for rule in self._rules]

    def _counts(self, folder: Path) -> ServerCounts | None:
        record, lease = ProcessRecord.read(folder), Lease.read(self._folder)
        server = record.server.process() if record else None
        if server is None or lease is None:
            return None
        return counts_of(server, int(lease.url.rpartition(":")[2]))


def _retired(version: Control) -> bool:
    """Let a version go once its connections have ended. Return whether it was reached."""
    with suppress(ControlError):
        version.retire()
        return True
    return False


def main() -> int:
    folder = Path(sys.argv[1])
    sys.setswitchinterval(_SWITCH_SECONDS)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rollout = Rollout.read(folder)
    assert rollout is not None
    rollout = replace(rollout, driver=ProcessId.of(os.getpid()), is_conducted=True)
    conductor = Conductor(folder, rollout)
    for number in (PROMOTE, PAUSE, RETURN):
        signal.signal(number, conductor.ask)
    rollout.write(folder)
    try:
        conductor.run()
    except RecordError:
        return CANNOT_WRITE
    return 0


if __name__ == "__main__":
    sys.exit(main())
