"""Plans of a stack with given settings, each computed once: many tests begin from the same ones."""

from collections.abc import Mapping
from functools import cache

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main


def planned(values: Mapping[str, str]) -> Plan:
    return _planned(tuple(sorted(values.items())))


@cache
def _planned(values: tuple[tuple[str, str], ...]) -> Plan:
    given = {f"slipway:{key}": value for key, value in values}
    return plan_of(main, StackConfig("slipway", "prod", given, frozenset(), {}))
