"""What of a stack breaks a rule. Pure; the program that made the resources is not asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from slipway.infra.cost.stack import StackCost
from slipway.infra.errors import Failed
from slipway.infra.plan.reading import Resource
from slipway.infra.policy.levels import level_of
from slipway.infra.policy.rules import BUDGET, ON_RESOURCES, Context, Rule


class PolicySettings(Protocol):
    """What a stack says of how it is judged. policy: rule -> level. budget_usd: a month; None: any."""

    @property
    def policy(self) -> Mapping[str, str]: ...
    @property
    def budget_usd(self) -> float | None: ...
    @property
    def public(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """level: advisory or mandatory. resource: a URN, or '' for the whole stack."""

    rule: str
    level: str
    title: str
    reason: str
    fix: str
    resource: str
    detail: str

    def as_finding(self) -> dict[str, str]:
        """As a preview's findings are: severity error or warning."""
        name = self.resource.rpartition("::")[2]
        return {
            "severity": "error" if self.level == "mandatory" else "warning",
            "title": f"{self.title}: {name + ': ' if name else ''}{self.detail}",
            "reason": self.reason,
            "fix": self.fix,
            "rule": self.rule,
            "resource": self.resource,
        }


def violations_of(
    stack: str, resources: Sequence[Resource], settings: PolicySettings, cost: StackCost | None
) -> list[Violation]:
    """Mandatory ones first. cost: for the budget; None: it is not judged."""
    context = Context(public=settings.public)
    found = [
        _violation(rule, level, one.urn, detail)
        for rule in ON_RESOURCES
        if (level := level_of(rule.name, stack, settings.policy)) != "off"
        for one in resources
        for detail in rule.check(one, context)
    ]
    level = level_of(BUDGET.name, stack, settings.policy)
    if level != "off" and cost is not None:
        found += [_violation(BUDGET, level, "", detail) for detail in over_budget(cost, settings.budget_usd)]
    return sorted(found, key=lambda one: one.level != "mandatory")


def _violation(rule: Rule, level: str, urn: str, detail: str) -> Violation:
    return Violation(rule.name, level, rule.title, rule.reason, rule.fix, urn, detail)


def over_budget(cost: StackCost, budget_usd: float | None) -> Iterator[str]:
    """An unknown part makes it no cheaper: what is known may be over already; the rest is said."""
    if budget_usd is None:
        return
    if cost.maximum.usd > budget_usd:
        yield f"{cost.maximum} a month at its maximum; the budget is ${budget_usd:,.2f}."
    elif cost.maximum.unknown:
        yield (
            f"whether it stays within ${budget_usd:,.2f} a month is unknown: "
            f"{'; '.join(cost.maximum.unknown)}."
        )


def refuse_mandatory(violations: Iterable[Violation]) -> None:
    """Raise Failed where a mandatory rule is broken: exit code 1, the check ran and did not pass."""
    broken = [one for one in violations if one.level == "mandatory"]
    if broken:
        rules = ", ".join(sorted({one.rule for one in broken}))
        count = "1 mandatory rule is broken"
        if len(broken) > 1:
            count = f"Mandatory rules are broken {len(broken)} times"
        raise Failed(
            f"{count} ({rules}). Put it right, or set the rule's level in the stack's `policy`: "
            f"`pulumi config set --path policy.{broken[0].rule} advisory`."
        )
