"""The names that a stack gives to what it makes, read from its plan."""

from collections.abc import Iterator
from functools import cache

from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import stack_config
from tests.checkout import ROOT

# Inputs that name a resource in its cloud.
NAMED_BY = ("name", "accountId", "repositoryId", "secretId", "bucket")
CLOUD_STACKS = ("dev", "prod", "prod-aws")


@cache
def plan(stack: str, *overrides: str) -> Plan:
    return plan_of(main, stack_config(ROOT, stack, overrides))


def made_names(stack: str, *overrides: str) -> set[str]:
    return set(_names(plan(stack, *overrides)))


def _names(plan: Plan) -> Iterator[str]:
    for resource in plan.resources:
        given = {**resource.inputs, **resource.inputs.get("metadata", {})}
        yield resource.name
        yield from (given[key] for key in NAMED_BY if isinstance(given.get(key), str))
