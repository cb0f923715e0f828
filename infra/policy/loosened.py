"""What a change of a stack's own rules lets through: judged by the rules as they were before it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.infra.cost.stack import StackCost
from slipway.infra.diff.risk import Level, Risk
from slipway.infra.policy.judge import PolicySettings, judged
from slipway.infra.policy.levels import level_of
from slipway.infra.resources.reading import Resource
from slipway.stacks.settings.readers import RULES

_STRICTNESS = {"off": 0, "advisory": 1, "mandatory": 2}


@dataclass(frozen=True, slots=True)
class Judged:
    """A stack as it is to be judged by other rules. cost: None: the budget is not judged."""

    stack: str
    resources: Sequence[Resource]
    cost: StackCost | None


@dataclass(frozen=True, slots=True)
class _RulesBefore:
    """The rules of before; whether the service is public is what the change says."""

    policy: dict[str, str]
    budget_usd: float | None
    is_public: bool


def loosened(made: Judged, before: PolicySettings, after: PolicySettings) -> Iterator[Risk]:
    """Yield the rules that the change loosens, and what they would have refused."""
    rules = _RulesBefore(dict(before.policy), before.budget_usd, after.is_public)
    broken = judged(made.stack, made.resources, rules, made.cost).violations
    kept = {
        (one.rule, one.resource)
        for one in judged(made.stack, made.resources, after, made.cost).violations
        if one.level == "mandatory"
    }
    refused = [one for one in broken if one.level == "mandatory" and (one.rule, one.resource) not in kept]
    for one in refused:
        name = one.resource.rpartition("::")[2] or "the stack"
        text = f"breaks the rule {one.rule}, which was mandatory before"
        yield Risk(Level.HIGH, text, f"{one.title}: {name}: {one.detail}", one.resource)
    told = {one.rule for one in refused}
    for rule in RULES:
        old, new = (level_of(rule, made.stack, each.policy) for each in (before, after))
        if _STRICTNESS[new] < _STRICTNESS[old] and rule not in told:
            level = Level.HIGH if old == "mandatory" else Level.MEDIUM
            done = "switches the rule off" if new == "off" else "no longer refuses what breaks the rule"
            yield Risk(level, f"{done}: {rule}", f"It was {old} before.")
    yield from _budget(before.budget_usd, after.budget_usd, "budget" in told)


def _budget(before: float | None, after: float | None, is_told: bool) -> Iterator[Risk]:
    if before is None or is_told or before == after or (after is not None and after < before):
        return
    then = "removed" if after is None else f"raised to ${after:,.2f}"
    yield Risk(Level.MEDIUM, f"the budget of ${before:,.2f} a month is {then}")
