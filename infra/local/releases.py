"""The releases of the local stack: lists them, ends a rollout, and rolls back. Needs no valid stack file."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.components.local import process
from slipway.components.local.deploy import Deployment
from slipway.components.local.kept_files import lost_files
from slipway.components.local.process import StartFailed
from slipway.components.local.provider import PULUMI, SLIPWAY
from slipway.components.local.record import Lease
from slipway.components.local.release import Release, note, releases
from slipway.components.local.rollout import PAUSE, PROMOTE, RETURN, Rollout, mend, tell, under_way
from slipway.components.rollouts.states import BACK, SERVES
from slipway.infra.errors import Failed, Refused
from slipway.infra.local.runner import StackOutput, State, locked

# A conductor looks once a second.
_ANSWER_SECONDS = 20.0
_POLL_SECONDS = 0.05
# What of a release is its code and its model; the rest are settings.
_CODE_AND_MODEL = frozenset({"model", "model_folder", "model_digest", "expected_model", "code_digest"})
_BY_HAND = "by `slipway rollback`"


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """What comes back with a release's code and model. secrets: its API key; settings: its settings."""

    secrets: bool = False
    settings: bool = True


def serving_release(folder: Path) -> Release | None:
    """Return the release that has the traffic, or had it last; None if none is known."""
    lease = Lease.read(folder)
    if lease and lease.release:
        return Release.read(folder, lease.release)
    served = [each for each in releases(folder) if each.served_from is not None]
    return max(served, key=lambda each: each.served_from or 0, default=None)


def promote(folder: Path) -> Rollout:
    """End the rollout that runs with its new release. Raises Refused without one, Failed if it goes back."""
    found = _open(folder, "promote")
    tell(found, PROMOTE)
    done = _awaited(folder, lambda now: not now.is_open)
    if done.state != SERVES:
        raise Failed(f"Release {done.new} went back: {done.reason.removesuffix('.')}.")
    return done


def pause(folder: Path) -> Rollout:
    """Stop the clock of the rollout that runs, or let it go on. It still goes back by its rules."""
    found = _open(folder, "pause")
    tell(found, PAUSE)
    return _awaited(folder, lambda now: now.state != found.state)


def roll_back(
    folder: Path, number: int | None, options: RollbackOptions, say: Callable[[str], None]
) -> tuple[int, int]:
    """Take the newest release back. Return the number of the release that left, and the one that serves.

    folder: the run folder. number: of the release to bring back; None: the one before. A rollout that
    runs or was cut off is ended, and its new release leaves; nothing else does then. Raises Refused, Failed
    and Busy.
    """
    found = under_way(folder)
    if found is not None and number is None and not found.is_conducted:
        _refuse_second(folder, found)
        note(folder, found.new, ended_because=_BY_HAND)
        _end_command(found)
    elif found is not None and number is None:
        note(folder, found.new, ended_because=_BY_HAND)
        tell(found, RETURN)
        done = _awaited(folder, lambda now: not now.is_open)
        if done.state != BACK:
            note(folder, found.new, ended_because="")
            raise Failed(f"Release {done.new} had been promoted already; it serves. Roll back once more.")
        return done.new, done.old
    with locked(folder):
        cut_off, mended = Rollout.read(folder), mend(folder)
        current, lease = serving_release(folder), Lease.read(folder)
        if current is None:
            raise Refused("No release serves on this stack, so there is none to roll back. Run `slipway up`.")
        if lease is not None and lease.owner == PULUMI:
            raise Refused(
                "`pulumi up` started this service, and its state says what serves. Bring the earlier commit "
                "back (`git revert`) and run `pulumi up`."
            )
        if mended and cut_off and current.number != cut_off.new and number is None:
            say(mended)
            return cut_off.new, current.number
        if lease is None:  # a start failed since: nothing serves, and the last that did comes back
            number = number or current.number
        target = _target(folder, current, number)
        state = State.read(folder)
        key = _key(state, target, options)
        inputs = _inputs(current, target, options)
        deployment = Deployment(folder, SLIPWAY, inputs, key, keeps_key=True, say=say, repeats=target.number)
        try:
            record = deployment.roll() if process.running(folder) else _started(folder, deployment)
        except StartFailed as error:
            alive = process.running(folder) is not None
            serves = f"Release {current.number} still serves." if alive else "Nothing serves."
            raise Failed(f"Release {target.number} did not come back: {error}\n{serves}") from None
        note(folder, current.number, ended_because=f"{_BY_HAND}, to release {target.number}")
        note(folder, target.number, ended_because="")
        _remember(folder, state, {**inputs, "api_key": key}, record)
        serving = serving_release(folder)
        return current.number, serving.number if serving else 0


def listed(folder: Path) -> list[dict[str, Any]]:
    """Return the releases that are kept, the newest first, as JSON."""
    lease, open_rollout = Lease.read(folder), under_way(folder)
    serving = lease.release if lease and process.running(folder) else 0
    return [_as_json(folder, each, serving, open_rollout) for each in releases(folder)]


def _as_json(folder: Path, release: Release, serving: int, rollout: Rollout | None) -> dict[str, Any]:
    share = 100.0 if release.number == serving else 0.0
    if rollout is not None and release.number in (rollout.new, rollout.old) and rollout.bake_seconds:
        share = rollout.percent if release.number == rollout.new else 100 - rollout.percent
    return {
        "release": release.number,
        "commit": release.commit or None,
        "version": release.inputs["code_digest"],
        "model": release.inputs["model"],
        "model_version": release.model_version or None,
        "created_at": release.created_at,
        "served_from": release.served_from,
        "served_until": release.served_until,
        "percent": share,
        "repeats": release.repeats or None,
        "went_back": release.ended_because or None,
        "lost": lost_files(folder, release) or None,
    }


def _open(folder: Path, verb: str) -> Rollout:
    found = under_way(folder)
    if found is None:
        raise Refused(f"No rollout is under way on this stack, so there is none to {verb}.")
    if not found.is_conducted:
        raise Refused(
            f"The new version of this rollout is not ready yet, or it is a rolling one: nothing to {verb}."
        )
    return found


def _refuse_second(folder: Path, found: Rollout) -> None:
    """Refuse to end what is a rollback itself, as of somebody who asks for it twice."""
    release = Release.read(folder, found.new)
    if release is not None and release.repeats:
        raise Refused(
            f"Another command is bringing release {release.repeats} back already, as release {found.new}. "
            "`slipway status` shows when it serves."
        )


def _end_command(found: Rollout) -> None:
    """End the command that starts a version; what it leaves is mended as that of any that was killed."""
    tell(found, RETURN)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while found.is_driven:
        if time.monotonic() > deadline:
            raise Failed(
                f"The command that starts release {found.new} (pid {found.driver.pid}) does not end."
            )
        time.sleep(_POLL_SECONDS)


def _awaited(folder: Path, is_done: Callable[[Rollout], bool]) -> Rollout:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        now = Rollout.read(folder)
        if now is not None and is_done(now):
            return now
        if now is not None and now.is_open and not now.is_driven:
            raise Failed(f"The rollout's conductor was killed. {mend(folder)}")
        time.sleep(_POLL_SECONDS)
    raise Failed("The rollout did not answer. `slipway status` shows what serves.")


def _target(folder: Path, current: Release, number: int | None) -> Release:
    """Return the release to bring back. Raises Refused with what there is."""
    kept = releases(folder)
    if number is None:
        before = [
            each
            for each in kept
            if each.number < current.number
            and each.served_from is not None
            and not each.ended_because
            and each.fingerprint != current.fingerprint
        ]
        if not before:
            raise Refused(
                f"There is no earlier release than {current.number} that served and did not go back."
            )
        target = before[0]
    else:
        numbers = ", ".join(str(each.number) for each in kept)
        found = next((each for each in kept if each.number == number), None)
        if found is None:
            raise Refused(f"Release {number} is not kept; kept are {numbers}.")
        target = found
    if target.number == current.number and process.running(folder):
        raise Refused(f"Release {target.number} serves already.")
    if (lost := lost_files(folder, target)) != "":
        raise Refused(
            f"Release {target.number} cannot come back: {lost}. `slipway releases` shows the others."
        )
    return target


def _key(state: State, target: Release, options: RollbackOptions) -> str:
    if options.secrets:
        if target.api_key is None:
            raise Refused(f"The key of release {target.number} is not kept; leave --secrets out.")
        return target.api_key
    resource = next(iter(state.resources.values()), None)
    if resource is None:
        raise Refused("The stack's state is not there, so its key is not known. Run `slipway up`.")
    return str(resource["outputs"]["api_key"])


def _inputs(current: Release, target: Release, options: RollbackOptions) -> dict[str, Any]:
    """Return the inputs of the release that is made: it takes over at once, by its own example alone."""
    given = dict(target.inputs)
    if not options.settings:
        given = {
            **current.inputs,
            **{name: target.inputs[name] for name in _CODE_AND_MODEL if name in target.inputs},
        }
    for name in ("rollout", "canary_percent", "bake_minutes", "rollback_on", "smoke_tests"):
        given.pop(name, None)
    return given


def _started(folder: Path, deployment: Deployment) -> Any:
    process.stop(folder)
    return deployment.start()


def _remember(folder: Path, state: State, outputs: Mapping[str, Any], record: Any) -> None:
    """Write the stack's state, without its program: its file may be what is being rolled back."""
    live = {
        "pid": record.server.pid,
        "started_at": record.started_at,
        "memory_enforced_by": record.enforced_by,
    }
    for resource in state.resources.values():
        resource["outputs"] = {**resource["outputs"], **outputs, **live}
    for name, value in (
        ("url", outputs["url"]),
        ("consoleUrl", f"{outputs['url']}/"),
        ("apiKey", outputs["api_key"]),
    ):
        if name in state.outputs:
            state.outputs[name] = StackOutput(value, state.outputs[name].secret)
    state.write(folder)
