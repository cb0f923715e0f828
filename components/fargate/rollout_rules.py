"""Checks of how a new version takes over, against what ECS needs for it. Pure."""

from collections.abc import Iterator

from ..fault import Fault
from ..rollouts.faults import RolloutArguments, rollout_faults
from ..rollouts.kinds import ROLLING
from . import limits
from .rollback import EXISTING, minutes_of, rollback_alarms, usable_signals
from .spec import FargateSpec


def traffic_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from rollout_faults(RolloutArguments(spec.rollout, spec.canary_percent, spec.bake_minutes))
    if spec.bake_minutes is not None and spec.bake_minutes not in limits.BAKE_MINUTES:
        allowed = f"ECS counts whole minutes, {limits.BAKE_MINUTES[0]} to {limits.BAKE_MINUTES[-1]}"
        if 0 < spec.bake_minutes < limits.BAKE_MINUTES[-1]:
            near = max(round(spec.bake_minutes), limits.BAKE_MINUTES[0])
            yield Fault("bake_minutes", f"{spec.bake_minutes:g}", allowed, nearest=near)
    percent = spec.canary_percent
    if percent is not None and 0 < percent < 100 and round(percent, 1) != percent:
        least = limits.LEAST_CANARY_PERCENT
        near = min(max(round(percent, 1), least), 100 - least)
        yield Fault("canary_percent", f"{percent:g}", "ECS moves tenths of a percent", nearest=near)
    if spec.rollout == ROLLING and spec.rollback_on:
        allowed = "use `rollout` canary or blue-green, or leave it out"
        reason = "with `rollout` rolling, which watches nothing"
        yield Fault("rollback_on", ", ".join(spec.rollback_on), allowed, reason, verb="has")
    if spec.shifts_traffic:
        yield from _shifting_faults(spec)


def _shifting_faults(spec: FargateSpec) -> Iterator[Fault]:
    if not spec.own_balancer:
        allowed = (
            "ECS moves the traffic by the weights of a rule, which takes a load balancer of the service's "
            "own: leave `listener_arn` out, or take rolling"
        )
        yield Fault("rollout", spec.rollout, allowed, "with `listener_arn`")
    if spec.requests_per_replica is not None:
        allowed = "leave it out, and tasks are added by CPU, or use rolling"
        reason = f"with `rollout` {spec.rollout}, which moves requests between two target groups"
        yield Fault("requests_per_replica", f"{spec.requests_per_replica:g}", allowed, reason)
    yield from _rollback_faults(spec)


def _rollback_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what is wrong with the alarms that take a rollout back, or why there is none."""
    usable = usable_signals(spec)
    for each in spec.rollback_on:
        if each.startswith(EXISTING):
            if not limits.ALARM_NAME.fullmatch(each.removeprefix(EXISTING)):
                allowed = f"an alarm has a name of 1 to {limits.ALARM_NAME_CHARACTERS} characters, no comma"
                yield Fault("rollback_on", repr(each), allowed, verb="has")
        elif each not in usable:
            signals = f"the signals {', '.join(usable)}" if usable else "no signal, without their alarms"
            allowed = f"allowed are {signals}, and {EXISTING}<name of a CloudWatch alarm>"
            yield Fault("rollback_on", repr(each), allowed, verb="has")
    if len(set(spec.rollback_on)) != len(spec.rollback_on):
        yield Fault("rollback_on", "duplicates", "name each once", verb="has")
    alarms = rollback_alarms(spec)
    if not spec.rollback_on and not alarms.names:
        allowed = (
            "ECS's circuit breaker is for rolling rollouts, and a bad version would stay: leave "
            f"`observability` out, or name existing alarms, {EXISTING}<name>"
        )
        reason = f"with `rollout` {spec.rollout} and `observability` {spec.observability.value}"
        yield Fault("rollback_on", "empty", allowed, reason)
    if spec.bakes_minutes < alarms.least_minutes:
        slowest = max(alarms.signals, key=lambda key: minutes_of(alarms.signals[key]))
        allowed = f"the alarm of {slowest} takes {alarms.least_minutes} minutes to see what is wrong"
        yield Fault("bake_minutes", f"{spec.bakes_minutes}", allowed, nearest=limits.DEFAULT_BAKE_MINUTES)


def traffic_warnings(spec: FargateSpec) -> Iterator[str]:
    if spec.shifts_traffic and spec.scales and spec.request_seconds is not None:
        yield (
            f"with `rollout` {spec.rollout} tasks are added and removed by CPU alone: the requests move "
            "between two target groups, and the count of one says too little."
        )
