"""What of a stack breaks a rule. Pure; the program that made the resources is not asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from slipway.infra.cost.stack import StackCost
from slipway.infra.errors import Failed
from slipway.infra.policy.checks import Context, Detail, Unjudged
from slipway.infra.policy.levels import level_of
from slipway.infra.policy.rules import BUDGET, ON_RESOURCES, Rule
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.table import is_component, row_of


class PolicySettings(Protocol):
    """The settings by which a stack is judged. policy: rule -> level. budget_usd: a month; None: any."""

    @property
    def policy(self) -> Mapping[str, str]: ...
    @property
    def budget_usd(self) -> float | None: ...
    @property
    def is_public(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule. level: advisory or mandatory. resource: a URN, or '' for the whole stack."""

    rule: str
    level: str
    title: str
    reason: str
    fix: str
    resource: str
    detail: str

    def as_finding(self) -> dict[str, str]:
        """Return it as a preview's finding, of severity error or warning."""
        name = self.resource.rpartition("::")[2]
        return {
            "severity": "error" if self.level == "mandatory" else "warning",
            "title": f"{self.title}: {name + ': ' if name else ''}{self.detail}",
            "reason": self.reason,
            "fix": self.fix,
            "rule": self.rule,
            "resource": self.resource,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of a stack.

    violations: mandatory ones first. unjudged: a resource's name -> rule that waits for `up` -> why.
    """

    violations: list[Violation]
    unjudged: Mapping[str, Mapping[str, str]]


def judged(
    stack: str, resources: Sequence[Resource], settings: PolicySettings, cost: StackCost | None
) -> Judgement:
    """Hold each resource against each rule that is on. cost: for the budget; None: it is not judged."""
    found: list[Violation] = []
    unjudged: dict[str, dict[str, str]] = {}
    for rule, level, resource, detail in _details(stack, resources, settings):
        if isinstance(detail, Unjudged):
            unjudged.setdefault(resource.name, {})[rule.name] = detail.why
        else:
            found.append(_violation(rule, level, resource.urn, detail))
    level = level_of(BUDGET.name, stack, settings.policy)
    if level != "off" and cost is not None:
        found += [_violation(BUDGET, level, "", detail) for detail in over_budget(cost, settings.budget_usd)]
    return Judgement(sorted(found, key=lambda one: one.level != "mandatory"), unjudged)


def unjudged_notes(unjudged: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Write one sentence for each resource: which rules were not judged, and why.

    unjudged: resource's name -> rule -> reason.
    """
    return [f"Not judged of {name}: {'; '.join(_by_reason(rules))}." for name, rules in unjudged.items()]


def _by_reason(rules: Mapping[str, str]) -> Iterator[str]:
    for why in dict.fromkeys(rules.values()):
        yield f"{', '.join(rule for rule in rules if rules[rule] == why)}, because {why}"


def unjudged_json(unjudged: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return what could not be judged for programs."""
    return [
        {"resource": name, "rule": rule, "reason": why}
        for name, rules in unjudged.items()
        for rule, why in rules.items()
    ]


def _details(
    stack: str, resources: Sequence[Resource], settings: PolicySettings
) -> Iterator[tuple[Rule, str, Resource, Detail]]:
    """Yield what each rule that is on says of each resource."""
    components = {one.urn: one for one in resources if one.type.startswith("slipway:index:")}
    context = Context(settings.is_public, components)
    for rule in ON_RESOURCES:
        level = level_of(rule.name, stack, settings.policy)
        for resource in resources if level != "off" else ():
            yield from ((rule, level, resource, detail) for detail in _held(rule, resource, context))


def _held(rule: Rule, resource: Resource, context: Context) -> Iterable[Detail]:
    """Return what a rule says of a resource; that it is not judged where too little is known of the type."""
    row = row_of(resource.type)
    known = row is not None and (not rule.cell or getattr(row, rule.cell) is not None)
    if known or is_component(resource):
        return rule.check(resource, context)
    return (Unjudged(f"the type {resource.type} is not known here"),)


def _violation(rule: Rule, level: str, urn: str, detail: str) -> Violation:
    return Violation(rule.name, level, rule.title, rule.reason, rule.fix, urn, detail)


def over_budget(cost: StackCost, budget_usd: float | None) -> Iterator[str]:
    """Yield a sentence if the maximum cost a month is above the budget, or may be, as a part is unknown."""
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
            f"{count} ({rules}). Fix it, or set the rule's level in the stack's `policy`: "
            f"`pulumi config set --path policy.{broken[0].rule} advisory`."
        )
