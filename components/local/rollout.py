"""The rollout of a local service from one release to another: its record, its end, how to mend one.

`rollout.json` has the last one. A rolling rollout is driven by the command that runs it; a canary and a
blue-green one by a process of their own (conductor.py), which outlives the command. Times are seconds.
"""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psutil

from ..rollouts import states
from ..rollouts.states import BACK, PAUSED, SERVES, UNDER_WAY
from . import process
from .control import Control, ControlError
from .record import LOG, Lease, ProcessId, RecordError, read_json, release_folder, write_json
from .release import Release, note

ROLLOUT = "rollout.json"
# How a conductor is told what to do.
PROMOTE, PAUSE, RETURN = signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM
# For a version without traffic to end, before the command goes on without waiting for it.
_LEAVE_SECONDS = 2.0
# The exit code of a conductor that could not record the end: EX_IOERR of sysexits.h.
CANNOT_WRITE = 74
ASKED = "it was asked to"
CUT_OFF = "its command or its conductor was killed"


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout.

    old, new: numbers of releases; old is 0 where none served. percent: of the requests that the new one gets.
    state: `under way`, `paused`, `serves` (the new one does) or `went back`. reason: why it went back.
    driver: the process that runs it. requests: those that each version answered.
    """

    kind: str
    old: int
    new: int
    driver: ProcessId
    started_at: float
    percent: float = 100
    bake_seconds: float = 0
    rollback_on: tuple[str, ...] = ()
    state: str = UNDER_WAY
    baked_seconds: float = 0
    reason: str = ""
    ended_at: float | None = None
    requests: Mapping[str, int] = field(default_factory=dict[str, int])
    is_conducted: bool = False
    """Whether a conductor runs it, which understands signals; any of them would end a command."""

    @property
    def is_open(self) -> bool:
        return self.state in (UNDER_WAY, PAUSED)

    @property
    def is_driven(self) -> bool:
        """Return whether the process that runs it is there."""
        return self.is_open and self.driver.process() is not None

    def write(self, folder: Path) -> None:
        write_json(folder / ROLLOUT, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the last rollout. Raises RecordError."""
        data = read_json(folder / ROLLOUT)
        if data is None:
            return None
        try:
            driver = ProcessId(**data.pop("driver"))
            rules = tuple(data.pop("rollback_on"))
            return cls(**data, driver=driver, rollback_on=rules)
        except (KeyError, TypeError):
            raise RecordError(f"{folder / ROLLOUT} is damaged. Delete it.") from None

    def ended(self, folder: Path, state: str, reason: str = "") -> "Rollout":
        """Record how it ended, and return that."""
        done = replace(self, state=state, reason=reason, ended_at=time.time())
        done.write(folder)
        return done


def under_way(folder: Path) -> Rollout | None:
    """Return the rollout that runs; None if none does, or if what ran it was killed."""
    found = Rollout.read(folder)
    return found if found is not None and found.is_driven else None


def serve(folder: Path, lease: Lease, number: int) -> None:
    """Record that this release serves, and link its log."""
    if lease.release and lease.release != number:
        note(folder, lease.release, served_until=time.time())
    note(folder, number, served_from=time.time(), served_until=None)
    release = Release.read(folder, number)
    if release is not None:
        inputs = release.inputs
        lease = replace(lease, url=inputs["url"], model=inputs["model"], version=inputs["code_digest"])
    replace(lease, release=number).write(folder)
    link_log(folder, number)


def link_log(folder: Path, number: int) -> None:
    """Make `server.log` the log of a release; a file that was there before becomes its older one."""
    before = folder / LOG
    if before.is_file() and not before.is_symlink():
        before.replace(release_folder(folder, number) / f"{LOG}.1")
    temporary = folder / f".{LOG}.new"
    with suppress(FileNotFoundError):
        temporary.unlink()
    try:
        temporary.symlink_to(release_folder(Path(), number) / LOG)
        temporary.replace(folder / LOG)
    except BaseException:  # also Ctrl-C
        temporary.unlink(missing_ok=True)
        raise


def switch(folder: Path, lease: Lease, number: int) -> None:
    """Give this release the traffic and let the one that had it go. Raises ControlError if it cannot accept.

    Both accept for a moment, so that no connection is refused; a version that is cut off then is mended by
    its record, which is written between the two.
    """
    before = lease.release
    with Control(release_folder(folder, number)) as control:
        control.accept()
    serve(folder, lease, number)
    if before and before != number:
        process.retire(release_folder(folder, before))


def wait_until_left(folder: Path, number: int, seconds: float = _LEAVE_SECONDS) -> None:
    """Wait for a version without traffic to end; it may go on with connections that are open."""
    begun = time.monotonic()
    while process.alive(release_folder(folder, number)) and (passed := time.monotonic() - begun) < seconds:
        time.sleep(0.02 if passed < _LEAVE_SECONDS else 0.5)


def mend(folder: Path) -> str:
    """Put right what a killed command or conductor left. Return what that was, in words; '' for nothing."""
    found, lease = Rollout.read(folder), Lease.read(folder)
    if found is None or not found.is_open or found.is_driven:
        return ""
    if lease is not None and lease.release == found.new:
        with suppress(ControlError), Control(release_folder(folder, found.new)) as control:
            control.accept()
        if found.old:
            process.retire(release_folder(folder, found.old))
        found.ended(folder, SERVES)
        return f"The rollout of release {found.new} was cut off after it had the traffic; it serves."
    process.retire(release_folder(folder, found.new))
    process.end(release_folder(folder, found.new), patience_seconds=_LEAVE_SECONDS)
    found.ended(folder, BACK, CUT_OFF)
    serves = f"release {lease.release} serves" if lease and process.running(folder) else "nothing serves"
    return f"The rollout of release {found.new} was cut off before it had the traffic; {serves}."


def abandon(folder: Path) -> None:
    """End the rollout that runs, if any, before the whole service is stopped."""
    found = under_way(folder)
    if found is None or found.driver.pid == os.getpid():
        return
    tell(found, signal.SIGKILL)  # the old version accepts again by itself
    deadline = time.monotonic() + _LEAVE_SECONDS
    while found.is_driven and time.monotonic() < deadline:
        time.sleep(0.02)
    mend(folder)


def tell(rollout: Rollout, number: signal.Signals) -> None:
    """Send a conductor what to do."""
    driver = rollout.driver.process()
    with suppress(psutil.NoSuchProcess):
        if driver is not None:
            driver.send_signal(number)


def as_json(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout for people and programs."""
    state = rollout.state if not rollout.is_open or rollout.is_driven else states.CUT_OFF
    return {
        "kind": rollout.kind,
        "state": state,
        "old": rollout.old or None,
        "new": rollout.new,
        "percent": rollout.percent,
        "bake_seconds": rollout.bake_seconds,
        "baked_seconds": round(rollout.baked_seconds, 1),
        "requests": dict(rollout.requests),
        "reason": rollout.reason or (CUT_OFF if state == states.CUT_OFF else None),
        "started_at": rollout.started_at,
        "ended_at": rollout.ended_at,
    }
