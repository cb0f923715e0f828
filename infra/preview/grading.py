"""Grades a stack: by its gravest risk, its new findings, and what of the change is not known. Pure."""

import re
from collections.abc import Iterable, Iterator
from textwrap import shorten

from slipway.infra.diff.loss_rules import HARMLESS
from slipway.infra.diff.model import Action, Knowledge, ResourceChange
from slipway.infra.diff.risk import Level
from slipway.infra.preview.stack import StackPreview
from slipway.infra.preview.verdict import Grade, StackVerdict
from slipway.infra.resources.table import role_of

_SHOWN = 3
# Settings whose change is safe unless a rule says more of it, such as of less memory or of a lower maximum.
_UNNOTICED = frozenset(
    {
        *("cpu", "memory", "minInstances", "maxInstances", "timeout", "cpuTarget", "startupCpuBoost"),
        *("labels", "usage", "budget", "policy", "logRetentionDays", "deletionProtection", "keepImages"),
    }
)
_CLAUSE_END = re.compile(r"[:;.] ")
_CLAUSE_LENGTH = 90


def verdict_of(preview: StackPreview) -> StackVerdict:
    """Judge a stack by its gravest risk, its new findings, and what of it is not known."""
    found = list(_reasons(preview))
    grade = max((grade for grade, _ in found), default=Grade.SAFE)
    reasons = dict.fromkeys(text for each, text in found if each is grade) if grade else ()
    return StackVerdict(preview.stack, grade, tuple(reasons), preview.cost.maximum if preview.cost else None)


def _reasons(preview: StackPreview) -> Iterator[tuple[Grade, str]]:
    if preview.refused is not None:
        yield Grade.DANGEROUS, "is refused"
    grades = {Level.HIGH: Grade.DANGEROUS, Level.MEDIUM: Grade.LOOK}
    yield from ((grades[risk.level], risk.text) for risk in preview.risks if risk.level in grades)
    yield from _of_findings(preview)
    if preview.diff is not None:
        yield from _of_changes(preview)
    elif preview.notes:
        yield Grade.LOOK, "there is nothing to compare with"


def _of_findings(preview: StackPreview) -> Iterator[tuple[Grade, str]]:
    for finding in preview.findings:
        if preview.diff is not None and finding["title"] in preview.found_before:
            continue
        if finding["severity"] == "error":
            yield Grade.DANGEROUS, first_clause(finding["title"])
        elif finding["severity"] == "warning":
            yield Grade.LOOK, first_clause(finding["title"])


def first_clause(title: str) -> str:
    """Shorten a finding's title for the verdict, never within code; the finding has all of it."""
    ends = (found.start() for found in _CLAUSE_END.finditer(title))
    end = next((end for end in ends if title.count("`", 0, end) % 2 == 0), len(title))
    clause = shorten(title[:end].rstrip("."), _CLAUSE_LENGTH, placeholder="…")
    return clause if clause.count("`") % 2 == 0 else f"{clause.rpartition('`')[0].rstrip()}…"


def _of_changes(preview: StackPreview) -> Iterator[tuple[Grade, str]]:
    """Yield what no rule has words for, and is not safe nevertheless."""
    changed = preview.diff.changed if preview.diff else ()
    yield from ((Grade.LOOK, note.rstrip(".")) for note in (preview.diff.notes if preview.diff else ()))
    own = [change for change in changed if change.resource.custom]
    for action, verb in ((Action.REPLACE, "replaces"), (Action.DELETE, "deletes")):
        at_risk = [each for each in own if each.action is action and not _is_harmless(each)]
        names = [each.name for each in at_risk if not _is_spoken_of(preview, each.urn)]
        if names:
            yield Grade.LOOK, f"{verb} {_listed(names)}"
    yield from _without_words(preview, [each for each in own if each.action is not Action.SAME])
    unknown = [each.name for each in own if each.knowledge is Knowledge.UNKNOWN]
    if unknown:
        yield Grade.LOOK, f"what happens to {_listed(unknown)} is not known"


def _is_harmless(change: ResourceChange) -> bool:
    return change.action is Action.REPLACE and role_of(change.type) in HARMLESS


def _without_words(preview: StackPreview, own: list[ResourceChange]) -> Iterator[tuple[Grade, str]]:
    """Yield what reaches the cloud, and no rule calls more than good to know."""
    diff = preview.diff
    said = any(risk.level < Level.LOW for risk in preview.risks)
    if diff is None or diff.before is None or diff.after is None or said:
        return
    before, after = diff.before.outputs, diff.after.outputs
    if outputs := [name for name in after if name in before and before[name] != after[name]]:
        yield Grade.LOOK, f"changes the stack's outputs {', '.join(f'`{name}`' for name in outputs)}"
    if not own:
        return
    changed = dict.fromkeys(each.path.partition(".")[0].partition("[")[0] for each in diff.settings)
    if keys := [key for key in changed if key not in _UNNOTICED]:
        yield Grade.LOOK, f"changes {', '.join(f'`{key}`' for key in keys)}"
    elif not changed:
        names = _listed(each.name for each in own)
        yield Grade.LOOK, f"the program, not the stack's file, changes {names}"


def _is_spoken_of(preview: StackPreview, urn: str) -> bool:
    return any(risk.urn == urn for risk in preview.risks)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
