"""A preview as data: what `slipway preview --format json` prints, and the reading of it back.

VERSION counts up when a field changes its meaning or goes; a new field leaves it. A preview without
`version` is of the time before there was one: 0, which had no `custom` and nothing of what follows it.
"""

from collections.abc import Mapping
from typing import Any

from slipway.infra.diff.model import ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT, Change
from slipway.infra.errors import Refused
from slipway.infra.plan.monitor import Resource
from slipway.infra.plan.run import Plan

SCHEMA, VERSION = "slipway-preview", 1
# Fields of a resource that are left out where they say nothing.
_OPTIONAL = (
    "uses",
    "aliases",
    "protect",
    "ignore_changes",
    "replace_on_changes",
    "retain_on_delete",
    "delete_before_replace",
    "provider",
    "deleted_with",
)
_TUPLES = ("dependencies", "aliases", "ignore_changes", "replace_on_changes")


def preview_json(plan: Plan, findings: list[dict[str, str]]) -> dict[str, Any]:
    """One entry of `stacks` in `slipway preview --format json`."""
    return {
        "name": plan.stack,
        "project": plan.project,
        "resources": [_resource_json(resource) for resource in plan.resources],
        "outputs": plan.outputs,
        "findings": findings,
    }


def _resource_json(resource: Resource) -> dict[str, Any]:
    optional = {name: getattr(resource, name) for name in _OPTIONAL}
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "custom": resource.custom,
        "inputs": resource.inputs,
        "dependencies": list(resource.dependencies),
        **{name: value for name, value in optional.items() if value},
    }


def plans_of(report: Mapping[str, Any], where: str) -> dict[str, Plan]:
    """Stack -> Plan of a report of this version or before. Raises Refused, with `where` it came from."""
    if report.get("version", 0) > VERSION:
        raise Refused(
            f"{where} gives a preview of version {report['version']}; this slipway reads up to {VERSION}. "
            "Use the newer one for the comparison."
        )
    try:
        return {stack["name"]: _plan(stack) for stack in report["stacks"]}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Refused(f"{where} gives a preview that cannot be read ({error!r}).") from None


def _plan(stack: Mapping[str, Any]) -> Plan:
    resources = tuple(_resource(entry) for entry in stack["resources"])
    project = stack.get("project") or resources[0].urn.split("::")[1]
    return Plan(project, stack["name"], resources, stack["outputs"])


def _resource(entry: Mapping[str, Any]) -> Resource:
    fields = {name: entry[name] for name in ("urn", "type", "name", "parent", "inputs", "dependencies")}
    fields["custom"] = entry.get("custom", not entry["type"].startswith(("slipway:", "pulumi:pulumi:Stack")))
    fields |= {name: entry[name] for name in _OPTIONAL if name in entry}
    for name in _TUPLES:
        if name in fields:
            fields[name] = tuple(fields[name])
    fields["uses"] = {name: tuple(urns) for name, urns in fields.get("uses", {}).items()}
    return Resource(**fields)


def diff_json(diff: StackDiff) -> dict[str, Any]:
    """Of a comparison what is another: `resources` holds no unchanged one, `counts` holds all."""
    return {
        "kind": "new" if diff.before is None else "deleted" if diff.after is None else "changed",
        "counts": diff.counts(),
        "settings": [_change_json(change) for change in diff.settings],
        "resources": [_resource_change_json(change) for change in diff.changed],
        "notes": list(diff.notes),
    }


def _resource_change_json(change: ResourceChange) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "urn": change.urn,
        "type": change.type,
        "name": change.name,
        "changes": [_change_json(each) for each in change.changes],
        "forced_by": list(change.forced_by),
        "renamed_from": change.renamed_from or None,
        "replacement_known": change.knowledge.value == "known",
    }


def _change_json(change: Change) -> dict[str, Any]:
    """A side that has no value lacks the key: null is a value."""
    sides = {"before": change.before, "after": change.after}
    return {
        "path": change.path,
        **{side: value for side, value in sides.items() if value is not ABSENT},
        **({"secret": True} if change.secret else {}),
        **({"follows": change.follows} if change.follows else {}),
    }
