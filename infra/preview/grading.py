"""Grades a stack: by its gravest risk, its new findings, and what of the change is not known. Pure."""

import re
from collections.abc import Iterable, Iterator
from textwrap import shorten

from slipway.infra.diff.model import Action, Knowledge
from slipway.infra.diff.risk import Level
from slipway.infra.preview.stack import StackPreview
from slipway.infra.preview.verdict import Grade, StackVerdict

_SHOWN = 3
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
        names = [each.name for each in own if each.action is action and not _is_spoken_of(preview, each.urn)]
        if names:
            yield Grade.LOOK, f"{verb} {_listed(names)}"
    unknown = [each.name for each in own if each.knowledge is Knowledge.UNKNOWN]
    if unknown:
        yield Grade.LOOK, f"what happens to {_listed(unknown)} is not known"


def _is_spoken_of(preview: StackPreview, urn: str) -> bool:
    return any(risk.urn == urn for risk in preview.risks)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
