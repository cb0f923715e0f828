"""Finds what a preview shows of one stack: plan, findings, cost, and what changes against another commit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from slipway.infra.cost.assume import usage_of
from slipway.infra.cost.difference import CostDifference
from slipway.infra.cost.difference import difference_of as cost_difference_of
from slipway.infra.cost.risk import cost_risks
from slipway.infra.cost.stack import StackCost, cost_of
from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackDiff, StackSource
from slipway.infra.diff.risk import Level, Risk
from slipway.infra.diff.risks import risks_of
from slipway.infra.errors import Refused
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.run import Plan
from slipway.infra.policy.judge import Violation, judged
from slipway.infra.policy.loosened import Judged, loosened
from slipway.infra.preview.live_rollout import LiveRollout
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.plans import Planned, findings_of
from slipway.infra.resources.reading import SECRET
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import ciphers_of, encryption_of, settings_from, stack_config
from slipway.stacks.settings.common import Settings


@dataclass(frozen=True, slots=True)
class StackPreview:
    """Holds what a preview shows of one stack.

    plan: None for a stack that is deleted, or refused. diff: None without another commit. refused: why the
    stack has no plan. notes: what is not known, in sentences. found_before: titles of the findings at the
    other commit. unjudged: a resource's name -> rule that could not be judged -> why. live: what happens to
    the service of a local stack that runs.
    """

    stack: str
    plan: Plan | None = None
    settings: Settings | None = None
    findings: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    violations: tuple[Violation, ...] = ()
    cost: StackCost | None = None
    diff: StackDiff | None = None
    cost_difference: CostDifference | None = None
    risks: tuple[Risk, ...] = ()
    refused: Refused | None = None
    notes: tuple[str, ...] = ()
    found_before: frozenset[str] = frozenset()
    unjudged: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    live: LiveRollout | None = None


def stack_preview(planned: Planned, today: date) -> StackPreview:
    """Judge a stack as it is in this checkout. today: against which the age of a price is shown."""
    plan, settings = planned.plan, planned.settings
    if plan is None or settings is None:
        return StackPreview(planned.stack, refused=planned.refused)
    cost = _cost(plan, settings, today)
    judgement = judged(plan.stack, plan.resources, settings, cost)
    violations = judgement.violations
    findings = [*findings_of(plan, settings), *(each.as_finding() for each in violations)]
    return StackPreview(
        plan.stack, plan, settings, findings, tuple(violations), cost, unjudged=judgement.unjudged
    )


def compared(
    planned: Planned, base: Base, today: date, judged_here: StackPreview | None = None
) -> StackPreview:
    """Compare a stack that is in this checkout, in the base, or in both. judged_here: as it is here."""
    now = judged_here or stack_preview(planned, today)
    stack = planned.stack
    if planned.refused:
        now = replace(now, risks=(_refusal(planned.refused),))
    if stack in base.failed:
        note = f"There is nothing to compare with: at {base.name} the stack has no plan. {base.failed[stack]}"
        return replace(now, notes=(note,))
    if planned.refused:
        return now
    before = _source(base, stack)
    after = _source_here(now.plan, planned.config) if now.plan and planned.config else None
    if before is None and after is None:
        return now
    diff = difference_of(stack, before, after, base.renamed.get(stack, ""))
    cost_before = None if diff.has_another_project else _base_cost(base, stack, now, today)
    cost_difference = cost_difference_of(cost_before, now.cost)
    risks = [*cost_risks(cost_difference), *risks_of(diff), *_loosened(base, now)]
    return replace(
        now,
        diff=diff,
        risks=tuple(sorted(risks, key=lambda risk: risk.level)),
        found_before=base.findings.get(stack, frozenset()),
        cost_difference=cost_difference,
    )


def _loosened(base: Base, now: StackPreview) -> Iterator[Risk]:
    """Judge by the rules of the other commit's stack file too, which the change does not write."""
    before = _settings_at(base, now.stack)
    if before is not None and now.plan is not None and now.settings is not None:
        made = Judged(now.stack, now.plan.resources, now.cost)
        yield from loosened(made, before, now.settings)


def _settings_at(base: Base, stack: str) -> Settings | None:
    if stack not in base.plans:
        return None
    try:
        return settings_from(stack_config(base.root, stack))
    except Refused:
        return None


def _refusal(refused: Refused) -> Risk:
    """Return the refusal as a risk; too little memory, by far the most common, has its own words."""
    if isinstance(refused, SettingsError) and any(fault.needs_memory for fault in refused.faults):
        return Risk(Level.HIGH, "lowers the memory limit below what the model needs", str(refused))
    return Risk(Level.HIGH, "cannot be deployed", str(refused))


def _source_here(plan: Plan, config: StackConfig) -> StackSource:
    encryption = encryption_of(Path(), config.stack)
    return StackSource(plan, *_texts(config, Path()), encryption=encryption)


def _source(base: Base, stack: str) -> StackSource | None:
    plan = base.plans.get(stack)
    if plan is None:
        return None
    texts = _texts(stack_config(base.root, stack), base.root)
    return StackSource(plan, *texts, base.with_options, encryption_of(base.root, stack))


def _texts(config: StackConfig | None, root: Path) -> tuple[dict[str, object], dict[str, str]]:
    """Return the settings of a stack file as they stand there, and its encrypted values."""
    if config is None:
        return {}, {}
    prefix = f"{config.project}:"
    values = {
        key.removeprefix(prefix): value.replace(ENCRYPTED, SECRET).replace("\\u0000encrypted", SECRET)
        for key, value in config.values.items()
        if value not in ("", "{}", "[]")
    }
    return dict(values), ciphers_of(root, config.stack)


def _base_cost(base: Base, stack: str, now: StackPreview, today: date) -> StackCost | None:
    """Estimate with the assumptions of its own settings, or with those of today if they cannot be read."""
    plan = base.plans.get(stack)
    if plan is None:
        return None
    settings = _settings_at(base, stack) or now.settings
    return _cost(plan, settings, today) if settings else None


def _cost(plan: Plan, settings: Settings, today: date) -> StackCost:
    return cost_of(plan.stack, plan.resources, usage_of(settings), today)
