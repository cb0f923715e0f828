"""The rules as policies of Pulumi's engine. Needs the policy SDK, which has a separate environment.

Resources are judged by their inputs as they are registered; the budget by all of them together, at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from pulumi_policy import (  # pyright: ignore[reportMissingModuleSource] in the pack's environment
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError  # pyright: ignore[reportMissingModuleSource]

from slipway.components.checkout import ROOT
from slipway.infra.cost.assume import usage_of
from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.policy.judge import over_budget
from slipway.infra.policy.levels import level_of
from slipway.infra.policy.plain import plain, stack_of
from slipway.infra.policy.rules import BUDGET, ON_RESOURCES, Context, Rule
from slipway.infra.resources.reading import Resource
from slipway.infra.settings.stackfile import settings_from, stack_config, stack_names

_ENFORCED = {"mandatory": EnforcementLevel.MANDATORY, "advisory": EnforcementLevel.ADVISORY}


@dataclass(frozen=True, slots=True)
class StackChoices:
    """What a stack's settings say of how it is judged; the defaults where this project has no such stack."""

    public: bool = False
    levels: Mapping[str, str] = field(default_factory=dict[str, str])
    budget_usd: float | None = None
    usage: Usage = field(default_factory=Usage)


@cache
def choices_of(stack: str) -> StackChoices:
    """From Pulumi.<stack>.yaml, as the offline preview reads it: the engine hands a pack no configuration."""
    if stack not in stack_names(ROOT):
        return StackChoices()
    settings = settings_from(stack_config(ROOT, stack))
    return StackChoices(settings.is_public, settings.policy, settings.budget_usd, usage_of(settings))


def policies() -> list[Policy]:
    """Each rule at each level."""
    return [policy for level in _ENFORCED for policy in (*_on_resources(level), _on_budget(level))]


def _name(rule: Rule, level: str) -> str:
    return rule.name if level == "mandatory" else f"{rule.name}-{level}"


def _description(rule: Rule) -> str:
    return f"{rule.title}. {rule.reason} {rule.fix}"


def _on_resources(level: str) -> list[Policy]:
    return [_resource_policy(rule, level) for rule in ON_RESOURCES]


def _resource_policy(rule: Rule, level: str) -> Policy:
    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        stack = stack_of(args.urn)
        choices = choices_of(stack)
        if level_of(rule.name, stack, choices.levels) != level:
            return
        inputs = plain(args.props, UnknownValueError)
        resource = Resource(args.urn, args.resource_type, args.name, None, True, inputs, ())
        for detail in rule.check(resource, Context(choices.public)):
            if isinstance(detail, str):
                report_violation(f"{args.name}: {detail}", None)

    return ResourceValidationPolicy(
        _name(rule, level), _description(rule), validate, enforcement_level=_ENFORCED[level]
    )


def _on_budget(level: str) -> Policy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        resources = [_plain(resource) for resource in args.resources]
        stack = stack_of(resources[0].urn) if resources else ""
        choices = choices_of(stack)
        if choices.budget_usd is None or level_of(BUDGET.name, stack, choices.levels) != level:
            return
        cost = cost_of(stack, resources, choices.usage, datetime.now(UTC).date())
        for detail in over_budget(cost, choices.budget_usd):
            report_violation(detail, None)

    return StackValidationPolicy(
        _name(BUDGET, level), _description(BUDGET), validate, enforcement_level=_ENFORCED[level]
    )


def _plain(resource: PolicyResource) -> Resource:
    parent = resource.parent.urn if resource.parent else None
    dependencies = tuple(one.urn for one in resource.dependencies)
    inputs = plain(resource.props, UnknownValueError)
    return Resource(resource.urn, resource.resource_type, resource.name, parent, True, inputs, dependencies)
