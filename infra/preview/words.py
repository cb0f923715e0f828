"""Words values, changes and counts, the same in every format."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.infra.cost.difference import CostDifference
from slipway.infra.diff.model import Action, ResourceChange
from slipway.infra.diff.paths import ABSENT, Change, values_with_paths
from slipway.infra.diff.risk import shortened
from slipway.infra.preview.blocks import Counts, Heading, StackState, Tally
from slipway.infra.preview.verdict import Grade, StackVerdict, Verdicts
from slipway.infra.resources.credentials import HIDDEN, is_secret_at, without_credentials
from slipway.infra.resources.reading import SECRET, Resource

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
# Of a stack that is planned no more: nothing destroys it.
STAYS = "stays"
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
_SEVERITIES = ("error", "warning", "info")
# What every resource of a stack repeats.
_REPEATED = ("project", "region", "location")


def value(found: Any, longest: int = _LONGEST) -> str:
    """Write a value in one line; a long one is cut, with its length."""
    if found is ABSENT:
        return "nothing"
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    text = without_credentials(text)
    text = shortened(" ".join(text.split())) or '""'
    if len(text) > longest:
        return f"{text[:longest]}… ({len(text)} characters)"
    return text


def change_sides(change: Change) -> tuple[str, str]:
    """Return both sides in words, the one before first."""
    if change.secret:
        before = "nothing" if change.before is ABSENT else SECRET
        after = "nothing" if change.after is ABSENT else "a new secret" if before != "nothing" else SECRET
        return before, after
    if change.follows:
        return value(change.before), f"a new value, from {change.follows.rpartition('::')[2]}"
    return _at(change.path, change.before), _at(change.path, change.after)


def _at(path: str, found: Any) -> str:
    """Write the value at a path; that of a name which suggests a secret is hidden."""
    return HIDDEN if isinstance(found, str) and is_secret_at(path, found) else value(found)


def change_line(change: Change) -> str:
    """Write a change as `memory: 1Gi → 2Gi`."""
    before, after = change_sides(change)
    if change.before is ABSENT:
        return f"{change.path}: {after}  (new)"
    if change.after is ABSENT:
        return f"{change.path}: {before}  (removed)"
    return f"{change.path}: {before} → {after}"


def headline(change: ResourceChange, state: StackState) -> str:
    """Say what happens to one resource and why, without its name. state: of its stack."""
    notes = [STAYS if state is StackState.REMOVED else VERBS[change.action]]
    if change.forced_by:
        notes.append(f"forced by {', '.join(change.forced_by)}")
    if change.renamed_from:
        notes.append(f"before: {change.renamed_from.rpartition('::')[2]}")
    if change.knowledge.value == "unknown" and change.action is Action.UPDATE:
        notes.append("unknown type: may be replaced")
    return "; ".join(notes)


def counted(counts: Counts, state: StackState) -> str:
    """Write `1 resource and 1 component changed, 12 resources unchanged`, or how large a stack is."""
    if state is StackState.REMOVED:
        return f"{sized(counts.total)} that no program plans any more"
    if not counts.by_action:
        return sized(counts.total)
    parts = [f"{tallied(tally)} {_PAST[action]}" for action, tally in counts.by_action.items()]
    return ", ".join(parts) or "no resource"


def named_state(heading: Heading) -> str:
    """Name the state of a stack that is more than changed; empty for the others."""
    return heading.state if heading.state in (StackState.NEW, StackState.REMOVED, StackState.REFUSED) else ""


def verdict(found: StackVerdict) -> str:
    """Write the verdict, its reasons and the maximum cost: `dangerous: opens the service to the internet`."""
    why = f": {found.why}" if found.reasons else ""
    cost = f" Maximum {found.maximum} a month." if found.maximum else ""
    return f"{found.grade.word}{why}.{cost}"


def verdicts(found: Verdicts) -> str:
    """Write the verdict on the whole: the stacks by grade, the gravest first with its reasons."""
    if not found.stacks:
        return "safe: no stack to judge."
    mark = "." if found.grade else ":"
    parts = [f"{found.grade.word}{mark} {_worst(found)}"]
    for grade in (Grade.LOOK, Grade.SAFE):
        names = [each.stack for each in found.stacks if each.grade is grade]
        if names and grade < found.grade:
            parts.append(f"{grade.word}: {', '.join(names)}")
    if found.dearest:
        parts.append(f"Largest maximum: {found.dearest.stack}, {found.dearest.maximum} a month")
    return f"{'. '.join(parts)}."


def _worst(found: Verdicts) -> str:
    """Write the worst stacks with their first reason, once for those that share it."""
    stacks: dict[str, list[str]] = defaultdict(list)
    for each in found.stacks:
        if each.grade is found.grade:
            stacks[each.reasons[0].rstrip(".") if each.reasons else ""].append(each.stack)
    return "; ".join(
        f"{', '.join(names)}: {reason}" if reason else ", ".join(names) for reason, names in stacks.items()
    )


def summary(heading: Heading) -> str:
    """Write the counts of a stack; empty for one without a plan."""
    return counted(heading.counts, heading.state) if heading.counts else ""


def sized(tally: Tally) -> str:
    """Write `11 resources in 2 components`."""
    resources = _number(tally.resources, "resource")
    return f"{resources} in {_number(tally.components, 'component')}" if tally.components else resources


def tallied(tally: Tally) -> str:
    """Write `2 resources and 1 component`, without the one of which there is none."""
    numbers = ((tally.resources, "resource"), (tally.components, "component"))
    return " and ".join(_number(number, noun) for number, noun in numbers if number)


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def left_out(stack: str, why: str) -> str:
    """Say why a stack has no preview."""
    return f"Stack {stack} is left out: {why}"


def cost_line(change: CostDifference) -> str:
    """Write a month's cost after the change, and how it differs; short where it does not."""
    amounts = {"idle": change.idle, "expected": change.expected, "maximum": change.maximum}
    if change.stays:
        costs = ", ".join(f"{name} {each.before}" for name, each in amounts.items())
        return f"{costs}, as before, until `pulumi destroy --stack {change.stack}`"
    if all(each.text == "no change" for each in amounts.values()):
        return f"no change ({', '.join(f'{name} {each.after}' for name, each in amounts.items())})"
    return ", ".join(f"{name} {each.after} ({each.text})" for name, each in amounts.items())


def as_before(by_severity: Mapping[str, int]) -> str:
    """Write `3 findings as before: 1 error, 2 warnings.`; empty where there is none."""
    if not by_severity:
        return ""
    parts = [
        _number(by_severity[each], each) if each != "info" else f"{by_severity[each]} info"
        for each in sorted(by_severity, key=_SEVERITIES.index)
    ]
    return f"{_number(sum(by_severity.values()), 'finding')} as before: {', '.join(parts)}."


def finding_sentences(finding: Mapping[str, str]) -> tuple[str, str]:
    """Return what was found, and why it matters with how to fix it, which may be empty."""
    rest = " ".join(filter(None, (finding["reason"], finding["fix"])))
    return f"{finding['title'].rstrip('.')}.", rest


def kind(type_: str) -> str:
    """Write the last part of a resource's type, with its cloud: `gcp Service`."""
    package, _, rest = type_.partition(":")
    name = rest.rpartition(":")[2]
    if rest.startswith("providers:"):
        return f"{name} provider"
    return name if package in ("slipway", "pulumi-python") else f"{package} {name}"


def inputs_that_matter(resource: Resource, above: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield path and value of what is set and not said already. above: the parent's inputs."""
    for path, found in values_with_paths(resource.inputs):
        empty = found in (None, "", [], {})
        said_above = path in _REPEATED and found in (above.get(path), above.get("region"))
        is_own_name = isinstance(found, str) and path.endswith(f"[{found}].name")
        if not (empty or said_above or is_own_name):
            yield path, _at(path, found)
