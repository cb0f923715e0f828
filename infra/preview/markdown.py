"""A preview as a comment of a pull request: GitHub's Markdown, within its limit of a comment's length.

What does not fit goes in steps, the least telling first: diagrams, inputs, all resources; and the comment
says what is missing and how to see it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.infra.cost.report import cost_rows
from slipway.infra.diff.model import Action, StackDiff
from slipway.infra.diff.paths import Change
from slipway.infra.diff.risk import Level
from slipway.infra.preview import words
from slipway.infra.preview.command import Shown
from slipway.infra.preview.mermaid import flowchart
from slipway.infra.preview.stack import StackPreview

# github.com/orgs/community/discussions/41331: "Body is too long (maximum is 65536 characters)".
LIMIT = 65536
_LEVELS = {Level.HIGH: "🔴 **high**", Level.MEDIUM: "🟠 **medium**", Level.LOW: "🔵 **low**"}
# Marks the comment, so that the next preview finds and replaces it.
MARKER = "<!-- slipway-preview -->"


@dataclass(frozen=True, slots=True)
class _Detail:
    """What is shown beside the risks. missing: how it is said that the rest is not."""

    diagrams: bool
    inputs: bool
    resources: bool
    missing: str


_STEPS = (
    _Detail(diagrams=True, inputs=True, resources=True, missing=""),
    _Detail(diagrams=False, inputs=True, resources=True, missing="the diagrams"),
    _Detail(diagrams=False, inputs=False, resources=True, missing="the diagrams and the inputs"),
    _Detail(diagrams=False, inputs=False, resources=False, missing="the diagrams and every resource"),
)


def comment_of(shown: Shown, limit: int = LIMIT) -> str:
    """limit: characters, of which a comment has no more."""
    text = ""
    for step in _STEPS:
        text = "\n".join(_lines(shown, step)) + "\n"
        if len(text) <= limit:
            return text
    end = "\n\n**Cut here: the preview is longer than a comment may be.** `slipway preview` shows it all.\n"
    return text[: limit - len(end)].rpartition("\n")[0] + end


def _lines(shown: Shown, detail: _Detail) -> Iterator[str]:
    yield MARKER
    yield f"## Preview against {_code(shown.base)}" if shown.base else "## Preview"
    yield ""
    if detail.missing:
        yield f"> Too long for a comment: {detail.missing} are left out. `slipway preview` shows them."
        yield ""
    for note in shown.notes:
        yield f"> {_text(note)}"
        yield ""
    for stack, reason in shown.left_out.items():
        yield f"> Stack {_code(stack)} is left out: {_text(reason)}"
        yield ""
    for preview in shown.stacks:
        yield from _stack(preview, detail)


def _stack(preview: StackPreview, detail: _Detail) -> Iterator[str]:
    diff = preview.diff
    state = _state(preview)
    yield f"### Stack {_code(preview.stack)}{state}"
    yield ""
    if diff and words.is_unchanged(diff):
        yield f"Nothing changes: {words.counted(diff)}."
        yield ""
        return
    yield from _risks(preview)
    for note in (*preview.notes, *(diff.notes if diff else ())):
        yield f"{_text(note)}"
        yield ""
    if diff:
        yield f"**{words.counted(diff)}**"
        yield ""
        yield from _table("Settings", diff.settings)
        if detail.resources:
            yield from _resources(diff, detail)
    elif preview.plan and detail.resources:
        yield from _made(preview, detail)
    yield from _cost(preview)
    yield from _findings(preview)
    resources = (
        preview.plan.resources if preview.plan else diff.before.resources if diff and diff.before else ()
    )
    chart = flowchart(resources, diff) if detail.diagrams else ""
    if chart:
        yield from _folded("Diagram", ["```mermaid", chart, "```"])


def _state(preview: StackPreview) -> str:
    if preview.refused:
        return " — refused"
    if preview.diff is None:
        return ""
    return " — new" if preview.diff.before is None else " — removed" if preview.diff.after is None else ""


def _risks(preview: StackPreview) -> Iterator[str]:
    for risk in preview.risks:
        detail = f". {_text(risk.detail)}" if risk.detail else ""
        yield f"- {_LEVELS[risk.level]} {_text(risk.text)}{detail}"
    if preview.risks:
        yield ""


def _table(title: str, changes: tuple[Change, ...]) -> Iterator[str]:
    if not changes:
        return
    yield f"| {title} | before | after |"
    yield "|---|---|---|"
    for change in changes:
        before, after = words.change_sides(change)
        yield f"| {_code(change.path)} | {_code(before)} | {_code(after)} |"
    yield ""


def _resources(diff: StackDiff, detail: _Detail) -> Iterator[str]:
    for action in Action:
        found = [change for change in diff.changed if change.action is action]
        if not found:
            continue
        body: list[str] = []
        for change in found:
            title = (
                f"**{_text(change.name)}** {_text(words.kind(change.type))}: {_text(words.headline(change))}"
            )
            body += [f"- {words.MARKS[action]} {title}"]
            if detail.inputs:
                body += [f"  - {_code(words.change_line(each))}" for each in change.changes]
        number = f"{len(found)} to {words.VERBS[action]}"
        yield from _folded(number, body, is_open=action in (Action.DELETE, Action.REPLACE))


def _made(preview: StackPreview, detail: _Detail) -> Iterator[str]:
    assert preview.plan is not None
    by_urn = {each.urn: each for each in preview.plan.resources}
    body: list[str] = []
    for each in preview.plan.resources:
        if each.parent is None:
            continue
        body.append(f"- **{_text(each.name)}** {_text(words.kind(each.type))}")
        if detail.inputs:
            above = by_urn[each.parent].inputs
            body += [
                f"  - {_code(f'{path}: {value}')}" for path, value in words.inputs_that_matter(each, above)
            ]
    yield from _folded(f"{len(by_urn) - 1} resources", body)


def _cost(preview: StackPreview) -> Iterator[str]:
    if preview.cost_difference:
        yield f"**Cost a month:** {_text(words.cost_line(preview.cost_difference))}"
        yield ""
    if preview.cost:
        header, *rows = cost_rows(preview.cost)
        table = [_row(header), "|" + "---|" * len(header), *map(_row, rows), ""]
        table += [f"- {_text(each)}" for each in (*preview.cost.assumptions, *preview.cost.notes)]
        yield from _folded("Cost by resource", table)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _findings(preview: StackPreview) -> Iterator[str]:
    marks = {"error": "🔴", "warning": "🟠"}
    for finding in preview.new_findings:
        rest = " ".join(filter(None, (finding["reason"], finding["fix"])))
        title = _text(finding["title"].rstrip("."))
        severity = f"{marks.get(finding['severity'], '🔵')} **{finding['severity']}**"
        yield f"- {severity} {title}. {_text(rest)}".rstrip()
    known = len(preview.findings) - len(preview.new_findings)
    if known:
        yield f"- {words.as_before(known)}"
    if preview.findings:
        yield ""


def _folded(title: str, body: list[str], is_open: bool = False) -> Iterator[str]:
    yield f"<details{' open' if is_open else ''}><summary>{title}</summary>"
    yield ""
    yield from body
    yield ""
    yield "</details>"
    yield ""


def _text(text: str) -> str:
    """Text as text: a value from a pull request must not become markup, a link or a mention."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split())).replace("@", "@\u200b")


def _code(text: str) -> str:
    """As code, in as many backticks as it needs; a bar would end a table's cell."""
    line = " ".join(text.split()).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"
