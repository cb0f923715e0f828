"""Judges the plans of a report, `slipway preview --format json`, by the rules and stack files that are here.

The report may be of another commit's program: of a pull request, whose rules may have been changed with it.
Nothing of that program runs, and what the report says of rules is compared only.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from slipway.infra.cost.assume import usage_of
from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan
from slipway.infra.policy.judge import Judgement, judged
from slipway.infra.preview.report import SCHEMA, VERSION, plans_of, resource_json
from slipway.infra.resources.reading import Resource
from slipway.infra.settings.stackfile import project_name, settings_from, stack_config, stack_names
from slipway.stacks.settings.common import Settings

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ForeignJudgement:
    """What the rules here say of one stack. silent: (rule, resource) of what the report does not say."""

    stack: str
    judgement: Judgement
    silent: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The levels and the budget of a stack here; whether it is public is what the report's plan says."""

    policy: Mapping[str, str]
    budget_usd: float | None
    is_public: bool


def judged_report(
    root: Path, file: Path, removed: Collection[str], today: date
) -> tuple[list[ForeignJudgement], list[str]]:
    """Judge every stack of the report; also return the stacks here that it has no plan of. Raises Refused.

    removed: stacks whose file is gone at the report's commit, so that they need none. A plan of another
    project is of another stack.
    """
    report = _read(file)
    plans = plans_of(report, str(file))
    if len(plans) != len(report["stacks"]):
        raise Refused(f"{file} has two plans of one stack; only a report with one of each can be judged.")
    said = {name: _said(stack) for name, stack in zip(plans, report["stacks"], strict=True)}
    found = [_judged(root, plan, said[name], today) for name, plan in plans.items() if plan.resources]
    project = project_name(root)
    seen = {each.stack for each in found if plans[each.stack].project == project}
    return found, [stack for stack in stack_names(root) if stack not in {*seen, *removed}]


def report_of(plans: Iterable[tuple[Plan, Sequence[Mapping[str, Any]]]]) -> dict[str, Any]:
    """Return a report of plans with their findings, to be judged elsewhere."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "stacks": [
            {
                "name": plan.stack,
                "project": plan.project,
                "resources": [resource_json(_without_cluster(each)) for each in plan.resources],
                "outputs": {},
                "findings": [dict(each) for each in findings],
            }
            for plan, findings in plans
        ],
    }


def _without_cluster(resource: Resource) -> Resource:
    """Leave out how to log in to a cluster."""
    kept = {key: value for key, value in resource.inputs.items() if key != "kubeconfig"}
    return replace(resource, inputs=kept)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise Refused(f"{file} has more than {_MOST_BYTES >> 20} MiB, which no preview needs.")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{file} cannot be read as a preview: {error}") from None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("schema") != SCHEMA:
        raise Refused(f"{file} is no preview; `slipway preview --format json` writes one.")
    return cast("dict[str, Any]", found)


def _said(stack: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return what the report itself calls an error, whatever else it says."""
    findings = stack.get("findings")
    rows = [
        cast("dict[str, Any]", row)
        for row in (cast("list[Any]", findings) if isinstance(findings, list) else [])
        if isinstance(row, dict)
    ]
    errors = (row for row in rows if row.get("severity") == "error")
    return frozenset((str(row.get("rule", "")), str(row.get("resource", ""))) for row in errors)


def _judged(root: Path, plan: Plan, said: Collection[tuple[str, str]], today: date) -> ForeignJudgement:
    settings = _settings(root, plan.stack)
    public = any(each.inputs.get("public") is True for each in plan.resources if not each.custom)
    rules = _Rules(settings.policy if settings else {}, settings.budget_usd if settings else None, public)
    try:
        cost = cost_of(plan.stack, plan.resources, usage_of(settings) if settings else Usage(), today)
        judgement = judged(plan.stack, plan.resources, rules, cost)
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise Refused(f"The plan of stack {plan.stack} cannot be judged: {error!r}.") from None
    silent = {(one.rule, one.resource) for one in judgement.violations if one.level == "mandatory"} - set(
        said
    )
    return ForeignJudgement(plan.stack, judgement, frozenset(silent))


def _settings(root: Path, stack: str) -> Settings | None:
    """Return the settings of a stack here; None where there is none, or one that is refused."""
    try:
        return settings_from(stack_config(root, stack))
    except Refused:
        return None
