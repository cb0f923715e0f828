"""What people ask of a rollout on Kubernetes while another command runs it, and the way back afterwards."""

import time
from collections.abc import Callable
from typing import Any

from slipway.components.rollouts.states import BACK, SERVES
from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.targets.kubernetes_objects import ServiceObjects
from slipway.infra.targets.kubernetes_record import (
    PAUSE,
    PROMOTE,
    RETURN,
    ClusterRecord,
    KubernetesRollout,
    WentBack,
)
from slipway.infra.targets.kubernetes_releases import BY_HAND, KubernetesReleases
from slipway.infra.targets.pulumi_updates import PulumiUpdates
from slipway.stacks.update_step import UpdateStep

_POLL_SECONDS = 1.0


def ask_rollout(objects: ServiceObjects, what: str) -> dict[str, Any]:
    """Ask the command that runs a rollout to promote it, or to stop its clock; return what came of it.

    Raises Refused without a rollout, Failed if it goes back.
    """
    record = ClusterRecord(objects)
    found = _driven(record, what)
    record.ask(what)
    if what == PAUSE:
        return _awaited(record, lambda now: now.state != found.state).to_json()
    done = _awaited(record, lambda now: not now.is_open)
    if what == PROMOTE and done.state != SERVES:
        raise Failed(f"Release {done.new} went back: {done.reason.removesuffix('.')}.")
    return done.to_json()


def take_back(
    config: StackConfig,
    objects: ServiceObjects,
    number: int | None,
    secrets: bool,
    say: Callable[[str], None],
) -> tuple[int, int]:
    """Take the newest release back; return the number of the one that left, and of the one that serves.

    A rollout that runs or was cut off is ended, and nothing else is taken back then. number: of the release
    to bring back; None: the one before. Raises Refused and Failed.
    """
    record = ClusterRecord(objects)
    found = record.read().rollout
    if found is not None and found.is_driven:
        if number is not None:
            raise Refused(f"A rollout runs, by {found.by}: end it first with `slipway rollback` alone.")
        record.ask(RETURN)
        done = _awaited(record, lambda now: not now.is_open)
        if done.state != BACK:
            raise Failed(f"Release {done.new} had been promoted already; it serves. Roll back once more.")
        return done.new, done.old
    if objects.second() is not None:
        return _remove_second(config, record, found, say)
    releases = KubernetesReleases(objects)
    fingerprint = releases.fingerprint()
    left, serving = releases.roll_back(number, secrets, say)
    deployment = objects.deployment()
    if deployment is not None:
        why = f"{BY_HAND}, to release {serving}"
        record.hold_against(WentBack(fingerprint, why, time.time()), deployment)
    return left, serving


def _remove_second(
    config: StackConfig,
    record: ClusterRecord,
    found: KubernetesRollout | None,
    say: Callable[[str], None],
) -> tuple[int, int]:
    """Remove the second version of a rollout whose command is gone."""
    say("Removing the version whose rollout was cut off")
    try:
        PulumiUpdates(config.stack).up(UpdateStep("back"))
    except ProgramFailed:
        raise Failed("`pulumi up` did not take the new version back; its messages say why.") from None
    if found is None:
        return 0, 0
    record.read().end(found, BACK, BY_HAND)
    # Whoever takes it back may have another version in the file.
    if found.fingerprint:
        record.hold_against(WentBack(found.fingerprint, BY_HAND, time.time()))
    return found.new, found.old


def _driven(record: ClusterRecord, what: str) -> KubernetesRollout:
    """Return the rollout that a command runs. Raises Refused without one."""
    found = record.read().rollout
    if found is None or not found.is_open:
        raise Refused(f"No rollout is under way, so there is none to {what}.")
    if not found.is_driven:
        raise Refused(
            f"The rollout of release {found.new} was cut off: nothing watches it. `slipway up` begins it "
            "again, `slipway rollback` takes it back."
        )
    return found


def _awaited(record: ClusterRecord, is_done: Callable[[KubernetesRollout], bool]) -> KubernetesRollout:
    """Wait until a rollout is done with something. Raises Failed if its command ends before."""
    while True:
        time.sleep(_POLL_SECONDS)
        found = record.read().rollout
        if found is not None and is_done(found):
            return found
        if found is None or not found.is_driven:
            raise Failed("The command that ran the rollout is gone. `slipway status` shows what serves.")
