"""Writes resources and changes as data, as `slipway preview --format json` prints them, and reads them back.

VERSION counts up when a field changes its meaning or goes; a new field leaves it. A preview without
`version` is of the time before there was one: 0, which had no `custom` and nothing of what follows it.
"""

from collections.abc import Mapping
from typing import Any

from slipway.infra.diff.model import ResourceChange
from slipway.infra.diff.paths import ABSENT, Change
from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan
from slipway.infra.preview.blocks import Changes, StackState
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.table import is_component_type

SCHEMA, VERSION = "slipway-preview", 1
_KINDS = {StackState.NEW: "new", StackState.REMOVED: "deleted"}
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


def resource_json(resource: Resource) -> dict[str, Any]:
    """Return one entry of `resources`."""
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
    """Read stack -> Plan of a report of this version or before. Raises Refused, with `where` it came from."""
    version = report.get("version", 0)
    if not isinstance(version, int) or version > VERSION:
        raise Refused(
            f"{where} gives a preview of version {version!r}; this slipway reads up to {VERSION}. "
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
    fields["custom"] = entry.get("custom", not is_component_type(entry["type"]))
    fields |= {name: entry[name] for name in _OPTIONAL if name in entry}
    for name in _TUPLES:
        if name in fields:
            fields[name] = tuple(fields[name])
    fields["uses"] = {name: tuple(urns) for name, urns in fields.get("uses", {}).items()}
    return Resource(**fields)


def changes_json(changes: Changes) -> dict[str, Any]:
    """Return what differs: `resources` holds no unchanged one; `components` are counted apart from them."""
    by_action = changes.counts.by_action
    return {
        "kind": _KINDS.get(changes.state, "changed"),
        "counts": {action.value: tally.resources for action, tally in by_action.items() if tally.resources},
        "components": {
            action.value: tally.components for action, tally in by_action.items() if tally.components
        },
        "settings": [_change_json(change) for change in changes.settings],
        "resources": [_resource_change_json(change) for change in changes.resources],
        "notes": list(changes.notes),
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
    """Leave out the key of a side that has no value: null is a value."""
    sides = {"before": change.before, "after": change.after}
    return {
        "path": change.path,
        **{side: value for side, value in sides.items() if value is not ABSENT},
        **({"secret": True} if change.secret else {}),
        **({"follows": change.follows} if change.follows else {}),
    }
