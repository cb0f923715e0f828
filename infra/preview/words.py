"""How values, changes and counts are said, the same in every format."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.infra.cost.difference import CostDifference
from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT, Change, values_with_paths
from slipway.infra.diff.risk import shortened
from slipway.infra.plan.monitor import SECRET, Resource

MARKS = {
    Action.CREATE: "+",
    Action.DELETE: "-",
    Action.REPLACE: "±",
    Action.UPDATE: "~",
    Action.FOLLOW: "≈",
    Action.RENAME: "→",
    Action.SAME: " ",
}
VERBS = {
    Action.CREATE: "create",
    Action.DELETE: "delete",
    Action.REPLACE: "replace",
    Action.UPDATE: "change",
    Action.FOLLOW: "follow",
    Action.RENAME: "rename",
    Action.SAME: "leave",
}
_PAST = {
    Action.CREATE: "created",
    Action.DELETE: "deleted",
    Action.REPLACE: "replaced",
    Action.UPDATE: "changed",
    Action.FOLLOW: "may change with these",
    Action.RENAME: "renamed in the state",
    Action.SAME: "unchanged",
}
_LONGEST = 120
# What every resource of a stack repeats.
_REPEATED = ("project", "region", "location")


def value(found: Any, longest: int = _LONGEST) -> str:
    """A value in one line; a long one is cut, and how much is said."""
    if found is ABSENT:
        return "nothing"
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    text = shortened(" ".join(text.split())) or '""'
    if len(text) > longest:
        return f"{text[:longest]}… ({len(text)} characters)"
    return text


def change_sides(change: Change) -> tuple[str, str]:
    """Before and after in words."""
    if change.secret:
        before = "nothing" if change.before is ABSENT else SECRET
        after = "nothing" if change.after is ABSENT else "another secret" if before != "nothing" else SECRET
        return before, after
    if change.follows:
        return value(change.before), f"another one, of {change.follows.rpartition('::')[2]}"
    return value(change.before), value(change.after)


def change_line(change: Change) -> str:
    """`memory: 1Gi → 2Gi`."""
    before, after = change_sides(change)
    if change.before is ABSENT:
        return f"{change.path}: {after}  (new)"
    if change.after is ABSENT:
        return f"{change.path}: {before}  (taken away)"
    return f"{change.path}: {before} → {after}"


def headline(change: ResourceChange) -> str:
    """What happens to one resource and why, without its name."""
    notes = [VERBS[change.action]]
    if change.forced_by:
        notes.append(f"forced by {', '.join(change.forced_by)}")
    if change.renamed_from:
        notes.append(f"before: {change.renamed_from.rpartition('::')[2]}")
    if change.knowledge.value == "unknown" and change.action is Action.UPDATE:
        notes.append("unknown type: perhaps replaced")
    return "; ".join(notes)


def counted(diff: StackDiff) -> str:
    """`1 created, 2 changed, 12 unchanged`."""
    counts = diff.counts()
    if diff.after is None:
        return f"{counts.get(Action.DELETE, 0)} resources that no program plans any more"
    told = [f"{counts[action]} {_PAST[action]}" for action in Action if counts.get(action)]
    return ", ".join(told) or "no resource"


def is_unchanged(diff: StackDiff) -> bool:
    return not diff.changed and not diff.settings


def cost_line(change: CostDifference) -> str:
    """A month's cost after the change, and how it differs; short where it does not."""
    amounts = {"idle": change.idle, "expected": change.expected, "at the maximum": change.maximum}
    if all(each.text == "no change" for each in amounts.values()):
        return f"no change ({', '.join(f'{name} {each.after}' for name, each in amounts.items())})"
    return ", ".join(f"{name} {each.after} ({each.text})" for name, each in amounts.items())


def as_before(number: int) -> str:
    return f"{number} {'finding' if number == 1 else 'findings'} as before."


def kind(type_: str) -> str:
    """The last part of a resource's type, with the cloud that it is of: `gcp Service`."""
    package, _, rest = type_.partition(":")
    name = rest.rpartition(":")[2]
    if rest.startswith("providers:"):
        return f"{name} provider"
    return name if package in ("slipway", "pulumi-python") else f"{package} {name}"


def inputs_that_matter(resource: Resource, above: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and value of what is set and not said already. above: the parent's inputs."""
    for path, found in values_with_paths(resource.inputs):
        empty = found in (None, "", [], {})
        said_above = path in _REPEATED and found in (above.get(path), above.get("region"))
        is_own_name = isinstance(found, str) and path.endswith(f"[{found}].name")
        if not (empty or said_above or is_own_name):
            yield path, value(found)
