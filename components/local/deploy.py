"""Starts releases of a local service and rolls from one to the next. Knows nothing of Pulumi.

What is wrong with the new version is found before it has the traffic: it starts next to the old one, gets
ready and passes its smoke test first.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

from ..checkout import IS_CHECKOUT, ROOT
from ..need import inference_threads
from ..printable import printable
from ..rollouts.kinds import CANARY, CANARY_PERCENT, ROLLING
from ..rollouts.rollback_rules import DEFAULT_RULES
from ..rollouts.states import BACK, SERVES
from ..smoke import SmokeResult, Unanswered, smoke_cases, smoke_test
from . import kept_files, process, worker
from .control import Control, ControlError
from .launch import Launch
from .process import StartFailed
from .record import Lease, ProcessId, ProcessRecord, release_folder, serving_folder, write_json
from .release import Release, new_release, releases, taken_back
from .rollout import (
    ASKED,
    CANNOT_WRITE,
    RETURN,
    Rollout,
    link_log,
    mend,
    serve,
    switch,
    tell,
    under_way,
    wait_until_left,
)

SMOKE = "smoke.json"
_POLL_SECONDS = 0.1
_SECONDS_BETWEEN_STEPS = 10
_CONDUCTOR_SECONDS = 20.0
# For a conductor that was told to go back: a look, and the old version's answer.
_RETURN_SECONDS = 20.0
_MANIFEST = "manifest.json"
# What a share of the requests of one service must not differ in.
SAME_IN_A_SHARE = ("task", "labels", "features", "dimension")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One service, and who deploys it. keeps_key: whether the release's record may hold its key."""

    folder: Path
    owner: str
    inputs: Mapping[str, Any]
    api_key: str
    keeps_key: bool
    say: Say
    bring_again: str = ""
    """How a release that went back may come again, for a message."""
    repeats: int = 0

    def start(self) -> ProcessRecord:
        """Start a release where none serves. Raises StartFailed, leaving no process behind."""
        self.require_not_taken_back()
        mend(self.folder)
        release = self._new_release()
        launch = self._launch(release)
        try:
            lease = self._lease(launch, release.number)
            lease.write(self.folder)
            link_log(self.folder, release.number)
            with process.listener(launch.port) as listening:
                record = process.begin(launch, listening, takes_traffic=True)
            self._require_answers(release, launch)
            serve(self.folder, lease, release.number)
            self._follow()
            started = Rollout(ROLLING, 0, release.number, ProcessId.of(os.getpid()), time.time())
            started.ended(self.folder, SERVES)
            kept_files.prune(self.folder)
            return record
        except BaseException:
            process.stop(self.folder, patience_seconds=1)
            if all(each.served_from is None for each in releases(self.folder)):
                kept_files.forget(self.folder)
            raise

    def roll(self) -> ProcessRecord:
        """Bring a release into the place of the one that serves, by the rollout that its inputs name.

        Raises StartFailed with why the new one does not serve; the old one then still does.
        """
        self._require_no_other()
        self.require_not_taken_back()
        lease = Lease.read(self.folder)
        assert lease is not None
        kind = self._kind
        old = Release.read(self.folder, lease.release)
        if kind != ROLLING and old is not None:
            self._require_share(old, kind)
        if (mended := mend(self.folder)) != "":
            self.say(mended)
        release = self._new_release()
        launch = self._launch(release)
        rollout = Rollout(kind, lease.release, release.number, ProcessId.of(os.getpid()), time.time())
        rollout.write(self.folder)
        try:
            self.say(f"Starting release {release.number} next to release {lease.release}")
            with self._listening(lease, launch) as listening:
                process.begin(launch, listening, takes_traffic=False)
            self._require_answers(release, launch)
            if kind == ROLLING:
                switch(self.folder, replace(self._lease(launch, 0), release=lease.release), release.number)
                rollout.ended(self.folder, SERVES)
            else:
                self._conduct(replace(rollout, **self._conditions()))
        except BaseException as error:
            self._go_back(rollout, error)
            raise
        self._follow()
        wait_until_left(self.folder, lease.release)
        kept_files.prune(self.folder)
        record = process.running(self.folder)
        if record is None:
            raise StartFailed("The server ended right after it got the traffic.")
        return record

    def _follow(self) -> None:
        """Let the worker of what serves now do the work. Raises StartFailed; the server goes on serving."""
        if worker.takes_jobs(self.inputs):
            self.say("Starting the worker")
        worker.follow(self.folder)

    @property
    def _kind(self) -> str:
        return str(self.inputs.get("rollout") or ROLLING)

    def _conditions(self) -> dict[str, Any]:
        percent = 100 if self._kind != CANARY else self.inputs.get("canary_percent", CANARY_PERCENT)
        rules = tuple(self.inputs.get("rollback_on") or DEFAULT_RULES)
        seconds = float(self.inputs.get("bake_minutes", 5)) * 60
        return {"percent": float(percent), "bake_seconds": seconds, "rollback_on": rules}

    def _new_release(self) -> Release:
        own = {name: value for name, value in self.inputs.items() if name not in ("api_key", "__provider")}
        key = self.api_key if self.keeps_key else None
        release = new_release(self.folder, own, key, self.repeats)
        with suppress(OSError):  # a full disk keeps nobody from starting, only from coming back
            kept_files.keep(self.folder, release)
        return release

    def _launch(self, release: Release) -> Launch:
        inputs = self.inputs
        return Launch(
            folder=release_folder(self.folder, release.number),
            port=int(inputs["port"]),
            threads=inference_threads(inputs["cpu"]),
            memory_bytes=int(inputs["memory_gib"] * 2**30),
            timeout_seconds=inputs["timeout_seconds"],
            model_folder=kept_files.model_of(self.folder, release),
            version=inputs["code_digest"],
            api_key=self.api_key,
            # Not in the state of a service that was started before it was known.
            expected_model=inputs.get("expected_model", ""),
            ready_seconds=process.ready_seconds(inputs.get("load_seconds", 0)),
            code=kept_files.code_of(self.folder, release),
            jobs=worker.jobs_environment(self.folder, inputs),
        )

    def _lease(self, launch: Launch, number: int) -> Lease:
        return Lease(
            self.owner, self.inputs["service"], launch.url, self.inputs["model"], launch.version, number
        )

    def _listening(self, lease: Lease, launch: Launch) -> socket:
        """Return the listening socket of the version that serves, or another for another port."""
        if lease.url != launch.url:
            return process.listener(launch.port)
        try:
            with Control(serving_folder(self.folder)) as control:
                return control.lend()
        except ControlError as error:
            raise StartFailed(
                f"The version that serves does not hand its listening socket over ({error}). Stop it first."
            ) from None

    def _require_answers(self, release: Release, launch: Launch) -> None:
        """Smoke-test a version before it has the traffic. Raises StartFailed."""
        manifest = _manifest(launch.model_folder)
        if manifest is None:
            return
        self.say("Smoke test")
        try:
            cases = smoke_cases(manifest, self.inputs.get("smoke_tests", ""))
        except ValueError as error:
            raise StartFailed(f"The smoke test cannot run: {error}.") from None

        def ask(method: str, path: str, body: Any) -> tuple[int, Any]:
            try:
                with Control(launch.folder) as control:
                    return control.ask(method, path, body, self.api_key, launch.timeout_seconds + 5)
            except ControlError as error:
                raise Unanswered(str(error)) from None

        result = smoke_test(ask, manifest["task"], cases, launch.expected_model)
        _keep_smoke(self.folder, release, result)
        if not result.passed:
            raise StartFailed(f"Release {release.number} failed its smoke test: {result.fault}.")

    def _require_no_other(self) -> None:
        if (other := under_way(self.folder)) is not None:
            raise StartFailed(
                f"The rollout of release {other.new} is {other.state}. `slipway promote` ends it with that "
                "release, `slipway rollback` without."
            )

    def require_not_taken_back(self) -> None:
        """Raise StartFailed for a release that went back, unless it is brought again on purpose."""
        if not self.repeats and (same := taken_back(self.folder, self.inputs)) is not None:
            raise StartFailed(
                f"These settings, model and code are those of release {same.number}, which went back: "
                f"{same.ended_because}. Change them, or {self.bring_again}."
            )

    def _require_share(self, old: Release, kind: str) -> None:
        """Refuse to share the requests of one service between versions that answer differently."""
        before = _manifest(kept_files.model_of(self.folder, old))
        now = _manifest(kept_files.source_of(self.inputs))
        for name in SAME_IN_A_SHARE if before and now else ():
            if (before or {}).get(name) != (now or {}).get(name):
                raise StartFailed(
                    f"The model's manifest has another `{name}` than that of release {old.number}: both "
                    f"would answer the same clients. Use `rollout: rolling` for this change, not {kind}."
                )
        if old.inputs["port"] != self.inputs["port"]:
            raise StartFailed(
                f"`port` changes from {old.inputs['port']:g} to {self.inputs['port']:g}: no share of the "
                f"requests can be moved. Use `rollout: rolling` for this change, not {kind}."
            )

    def _conduct(self, rollout: Rollout) -> None:
        """Let a conductor run the rollout, and wait for its end. Raises StartFailed if it goes back."""
        rollout.write(self.folder)
        conductor = _conductor(self.folder)
        deadline = time.monotonic() + _CONDUCTOR_SECONDS
        found: Rollout | None = rollout
        said = list[tuple[str, int]]()
        try:
            while found is not None and found.is_open:
                if found.driver.pid != conductor.pid and time.monotonic() > deadline:
                    raise StartFailed("The rollout's conductor did not start.")
                if conductor.poll() is not None:
                    found = Rollout.read(self.folder)
                    break
                time.sleep(_POLL_SECONDS)
                found = Rollout.read(self.folder)
                self._say_progress(found, said)
        except KeyboardInterrupt:
            self.say("Going back")
            _return(self.folder)
            raise
        if found is None or found.is_open:
            if conductor.poll() == CANNOT_WRITE:
                raise StartFailed(f"{self.folder} could not be written during the rollout. Free some space.")
            raise StartFailed("The rollout's conductor was killed.")
        if found.state == BACK:
            raise StartFailed(f"Release {found.new} went back: {found.reason.removesuffix('.')}.")

    def _say_progress(self, found: Rollout | None, said: list[tuple[str, int]]) -> None:
        """Report a change of state, and every few seconds what was counted."""
        if found is None or not found.is_open:
            return
        step = (found.state, int(found.baked_seconds // _SECONDS_BETWEEN_STEPS))
        if said[-1:] != [step]:
            said.append(step)
            told = f"{found.requests.get('new', 0)} requests" if found.requests else "no requests yet"
            self.say(
                f"Release {found.new} has {found.percent:g}% of the requests, {found.state}: "
                f"{found.baked_seconds:.0f} of {found.bake_seconds:.0f} s, {told}"
            )

    def _go_back(self, rollout: Rollout, error: BaseException) -> None:
        """Leave the old version serving, and record why."""
        found = Rollout.read(self.folder)
        if found is None or not found.is_open or found.new != rollout.new:
            return  # the conductor has put it right
        lease = Lease.read(self.folder)
        if lease is not None and lease.release == rollout.new:
            process.retire(release_folder(self.folder, rollout.old))
            found.ended(self.folder, SERVES)
            return
        process.retire(release_folder(self.folder, rollout.new))
        process.end(release_folder(self.folder, rollout.new), patience_seconds=1)
        reason = ASKED if isinstance(error, KeyboardInterrupt) else printable(str(error)).partition("\n")[0]
        found.ended(self.folder, BACK, reason)


def _conductor(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the process that runs a rollout, in a session of its own: this command may end before it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "slipway.components.local.conductor", str(folder.resolve())],
        cwd=ROOT if IS_CHECKOUT else folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.reap_later(child)
    return child


def _return(folder: Path) -> None:
    """Tell the conductor to go back, and wait until it has."""
    deadline = time.monotonic() + _RETURN_SECONDS
    found = under_way(folder)
    if found is not None:
        tell(found, RETURN)
    while under_way(folder) is not None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _keep_smoke(folder: Path, release: Release, result: SmokeResult) -> None:
    write_json(folder / SMOKE, {"release": release.number, "at": time.time(), **result.to_json()})


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
