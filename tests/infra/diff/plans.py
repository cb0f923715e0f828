"""Plans that are written down, to compare."""

from collections.abc import Mapping
from typing import Any

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackDiff, StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import Resource

ROOT = "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev"
SERVICE = "slipway:index:CloudRunService"
Entry = tuple[str, str, Mapping[str, Any]]


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::demo::{type_}::{name}"


def resource(type_: str, name: str, inputs: Mapping[str, Any], **fields: Any) -> Resource:
    custom = not type_.startswith("slipway:")
    dependencies = tuple(sorted({urn for urns in fields.get("uses", {}).values() for urn in urns}))
    return Resource(urn_of(type_, name), type_, name, ROOT, custom, inputs, dependencies, **fields)


def plan(*resources: Resource) -> Plan:
    stack = Resource(ROOT, "pulumi:pulumi:Stack", "demo-dev", None, False, {}, ())
    return Plan("demo", "dev", (stack, *resources), {})


def side(*resources: Resource, **fields: Any) -> StackSource:
    return StackSource(plan(*resources), **fields)


def difference(before: StackSource | None, after: StackSource | None) -> StackDiff:
    return difference_of("dev", before, after)


def changed(type_: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> StackDiff:
    """Of one resource, `x`, that is made, changed or gone."""
    sides = [side(*([] if each is None else [resource(type_, "x", each)])) for each in (before, after)]
    return difference(*sides)


def risks(diff: StackDiff) -> list[tuple[str, str]]:
    """Level and text of each, in order."""
    return [(risk.level.name.lower(), risk.text) for risk in risks_of(diff)]
