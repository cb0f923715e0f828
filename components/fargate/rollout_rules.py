"""Checks of how a new version takes over, against what ECS needs for it. Pure."""

from collections.abc import Iterator

from ..fault import Fault
from ..rollouts.faults import RolloutArguments, rollout_faults
from ..rollouts.kinds import ROLLING
from . import limits
from .spec import FargateSpec


def traffic_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from rollout_faults(RolloutArguments(spec.rollout, spec.canary_percent, spec.bake_minutes))
    if spec.bake_minutes is not None and spec.bake_minutes not in limits.BAKE_MINUTES:
        allowed = f"ECS counts whole minutes, {limits.BAKE_MINUTES[0]} to {limits.BAKE_MINUTES[-1]}"
        if 0 < spec.bake_minutes < limits.BAKE_MINUTES[-1]:
            near = max(round(spec.bake_minutes), limits.BAKE_MINUTES[0])
            yield Fault("bake_minutes", f"{spec.bake_minutes:g}", allowed, nearest=near)
    if spec.rollout == ROLLING and spec.rollback_on:
        allowed = "use `rollout` canary or blue-green, or leave it out"
        reason = "with `rollout` rolling, which watches nothing"
        yield Fault("rollback_on", f"{len(spec.rollback_on)} alarms", allowed, reason, verb="has")
    if spec.shifts_traffic:
        yield from _shifting_faults(spec)


def _shifting_faults(spec: FargateSpec) -> Iterator[Fault]:
    if not spec.own_balancer:
        allowed = (
            "ECS moves the traffic by the weights of a rule, which takes a load balancer of the service's "
            "own: leave `listener_arn` out, or take rolling"
        )
        yield Fault("rollout", spec.rollout, allowed, "with `listener_arn`")
    if not spec.rollback_on:
        allowed = (
            "its circuit breaker is for rolling rollouts, and a bad version would stay: name the CloudWatch "
            "alarms that take it back"
        )
        yield Fault("rollback_on", "empty", allowed, f"with `rollout` {spec.rollout}")
    known = [alarm for alarm in spec.rollback_on if isinstance(alarm, str)]
    for alarm in known:
        if not limits.ALARM_NAME.fullmatch(alarm):
            allowed = (
                f"an alarm has a name of 1 to {limits.ALARM_NAME_CHARACTERS} characters, without a comma"
            )
            yield Fault("rollback_on", repr(alarm), allowed, verb="has")
    if len(set(known)) != len(known):
        yield Fault("rollback_on", "duplicates", "name each once", verb="has")


def traffic_warnings(spec: FargateSpec) -> Iterator[str]:
    if spec.shifts_traffic and spec.scales and spec.request_seconds is not None:
        yield (
            f"with `rollout` {spec.rollout} tasks are added and removed by CPU alone: the requests move "
            "between two target groups, and the count of one says too little."
        )
