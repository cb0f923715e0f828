"""The moves of a rollout on Cloud Run: each changes who gets the requests, and the record, in one write.

A rollout that another command ended is changed no more; a service that changed meanwhile is read again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from slipway.components.rollouts.states import BACK, SERVES
from slipway.infra.errors import Failed
from slipway.infra.targets.cloud_run_traffic import RunApi, RunService, Share
from slipway.infra.targets.google_api import Conflict
from slipway.infra.targets.rollout_record import KnownRelease, RolloutRecord

TRIES = 5


class EndedElsewhere(Failed):
    """Another command ended the rollout; the text says why."""


def current(api: RunApi, record: RolloutRecord, *also: str) -> tuple[RunService, RolloutRecord]:
    """Return the service and its rollout, which is still this one. Raises EndedElsewhere.

    also: states in which it may be, besides those of one that lasts.
    """
    service = api.service()
    last = service.rollouts.last
    if last is None or last.started_at != record.started_at or not (last.is_open or last.state in also):
        raise EndedElsewhere(last.reason if last else "its record is gone")
    return service, last


def changed(api: RunApi, record: RolloutRecord, change: Callable[[RunService], RunService]) -> RunService:
    """Change the service while its rollout is this one, once more where it was changed meanwhile."""
    for _ in range(TRIES):
        with suppress(Conflict):
            return change(current(api, record)[0])
    raise Failed("something else keeps changing the service")


def taken_back(api: RunApi, service: RunService, record: RolloutRecord, state: str, why: str) -> RunService:
    """Give all requests to what had them before a rollout, and keep why. state: BACK or CUT_OFF."""
    ended = replace(record, state=state, reason=why)
    rollouts = replace(service.rollouts, last=ended)
    if state == BACK:
        rollouts = rollouts.marking(record.new, why)
    return api.write(service, [*shares_of(record.before), *service.others_tags], rollouts)


def promoted(api: RunApi, service: RunService, record: RolloutRecord, now: float) -> RunService:
    """Give all requests to a rollout's new revision, and keep that it serves."""
    ended = replace(record, state=SERVES, percent=100, reason="")
    release = KnownRelease(record.new, record.commit, now, interface=record.interface)
    rollouts = replace(service.rollouts, last=ended).noting(release)
    return api.write(service, [Share(record.new, 100), *service.others_tags], rollouts)


def shares_of(percents: Mapping[str, int]) -> list[Share]:
    return [Share(name, percent) for name, percent in percents.items()]


def split(record: RolloutRecord) -> dict[str, int]:
    """Give the new revision its percent, and the others the rest in proportion, 100 in all."""
    left = 100 - record.percent
    kept = {name: percent * left // 100 for name, percent in record.before.items()}
    kept[record.old] += left - sum(kept.values())
    return {**{name: percent for name, percent in kept.items() if percent}, record.new: record.percent}


def not_started(service: RunService, why: str) -> str:
    """Say that the newest release did not start, and what serves."""
    serves = f"{words(service.percents)} serves all requests" if service.was_ever_ready else "Nothing serves"
    return f"Release {service.newest} did not start: {why.removesuffix('.')}. {serves}."


def words(percents: Mapping[str, int]) -> str:
    if len(percents) == 1:
        return next(iter(percents))
    return ", ".join(f"{name} ({percent}%)" for name, percent in percents.items())
