"""Renders a preview as a comment of a pull request: GitHub's Markdown, within its limit of length.

What does not fit goes in steps, the least important first: diagrams, inputs, all resources; and the comment
says what is missing and how to see it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from slipway.components.printable import printable
from slipway.infra.cost.report import cost_rows
from slipway.infra.diff.model import Action
from slipway.infra.diff.paths import Change
from slipway.infra.diff.risk import Level
from slipway.infra.policy.judge import unjudged_notes
from slipway.infra.preview import words
from slipway.infra.preview.blocks import (
    Block,
    Changes,
    Contents,
    Cost,
    Depth,
    Findings,
    Graph,
    Heading,
    LeftOut,
    Notes,
    Outputs,
    Resources,
    Risks,
    RulesNotJudged,
    StackState,
    Title,
)
from slipway.infra.preview.command import Shown
from slipway.infra.preview.contents import contents_of
from slipway.infra.preview.mermaid import flowchart
from slipway.infra.preview.rendering import Renderers
from slipway.infra.preview.verdict import Grade, StackVerdict, Verdicts

# github.com/orgs/community/discussions/41331: "Body is too long (maximum is 65536 characters)".
LIMIT = 65536
_LEVELS = {Level.HIGH: "🔴 **high**", Level.MEDIUM: "🟠 **medium**", Level.LOW: "🔵 **low**"}
# Marks the comment, so that the next preview finds and replaces it.
MARKER = "<!-- slipway-preview -->"
_GRADES = {Grade.SAFE: "🟢", Grade.LOOK: "🟠", Grade.DANGEROUS: "🔴"}
_SEVERITIES = {"error": "🔴", "warning": "🟠", "info": "🔵"}
# What GitHub makes a link of without being asked (github.github.com/gfm, autolinks).
_LINK = re.compile(r"(?i)\b(https?:|ftp:|www)(?=[/.])")
# What is left out of a comment that is too long, a step further each time.
_STEPS = ("", "the diagrams", "the diagrams and the inputs", "the diagrams and every resource")


def comment_of(shown: Shown, limit: int = LIMIT) -> str:
    """Return the comment, of no more characters than `limit`."""
    contents = contents_of(shown)
    text = ""
    for step in range(len(_STEPS)):
        text = printable("\n".join(_lines(contents, step)) + "\n")
        if len(text) <= limit:
            return text
    end = "\n\n**Cut here: the preview is longer than a comment may be.** `slipway preview` shows it all.\n"
    return text[: limit - len(end)].rpartition("\n")[0] + end


def _lines(contents: Contents, step: int) -> Iterator[str]:
    yield MARKER
    yield from RENDERERS.rendered(contents.opening)
    if _STEPS[step]:
        yield f"> Too long for a comment: {_STEPS[step]} are left out. `slipway preview` shows them."
        yield ""
    for section in contents.sections:
        yield from RENDERERS.rendered(_shortened(section.blocks(Depth.NEWS), step))


def _shortened(blocks: Iterable[Block], step: int) -> Iterator[Block]:
    """Leave out of the blocks what _STEPS names; their counts stay."""
    for block in blocks:
        if isinstance(block, Changes):
            yield _shorter_changes(block, step)
        elif isinstance(block, Resources) and step >= 2:
            bare = tuple(replace(each, inputs={}) for each in block.resources)
            yield replace(block, resources=bare if step == 2 else ())
        elif not (isinstance(block, Graph) and step >= 1):
            yield block


def _shorter_changes(changes: Changes, step: int) -> Changes:
    if step < 2:
        return changes
    bare = tuple(replace(each, changes=()) for each in changes.resources)
    return replace(changes, resources=bare if step == 2 else ())


def _verdicts(found: Verdicts) -> Iterator[str]:
    yield f"{_GRADES[found.grade]} **{_text(words.verdicts(found))}**"
    yield ""


def _verdict(found: StackVerdict) -> Iterator[str]:
    yield f"{_GRADES[found.grade]} {_text(words.verdict(found))}"
    yield ""


def _title(title: Title) -> Iterator[str]:
    yield f"## Preview against {_code(title.base)}" if title.base else "## Preview"
    yield ""
    for note in title.notes:
        yield f"> {_text(note)}"
        yield ""


def _left_out(left_out: LeftOut) -> Iterator[str]:
    for stack, why in left_out.stacks.items():
        yield f"> {words.left_out(_code(stack), _text(why))}"
        yield ""


def _heading(heading: Heading) -> Iterator[str]:
    state = words.named_state(heading)
    yield f"### Stack {_code(heading.stack)}{f' — {state}' if state else ''}"
    yield ""
    if heading.state is StackState.PLANNED and heading.counts:
        yield f"**{words.summary(heading)}**"
        yield ""


def _risks(block: Risks) -> Iterator[str]:
    for risk in block.risks:
        detail = f". {_text(risk.detail)}" if risk.detail else ""
        yield f"- {_LEVELS[risk.level]} {_text(risk.text)}{detail}"
    if block.risks:
        yield ""


def _notes(notes: Notes) -> Iterator[str]:
    for note in notes.sentences:
        yield _text(note)
        yield ""


def _changes(changes: Changes) -> Iterator[str]:
    counts = words.counted(changes.counts, changes.state)
    yield f"Nothing changes: {counts}." if changes.state is StackState.UNCHANGED else f"**{counts}**"
    yield ""
    yield from _settings(changes.settings)
    for action, tally, found in changes.by_action():
        body: list[str] = []
        for change in found:
            headline = _text(words.headline(change, changes.state))
            title = f"**{_text(change.name)}** {_text(words.kind(change.type))}: {headline}"
            body.append(f"- `{words.MARKS[action]}` {title}")  # bare, a plus or a minus opens a list
            body += [f"  - {_code(words.change_line(each))}" for each in change.changes]
        number = f"{words.tallied(tally)} to {words.VERBS[action]}"
        if changes.state is StackState.REMOVED:
            number = f"{words.tallied(tally)} that stay until they are destroyed"
        yield from _folded(number, body, is_open=action in (Action.DELETE, Action.REPLACE))


def _settings(changes: tuple[Change, ...]) -> Iterator[str]:
    if not changes:
        return
    yield "| Settings | before | after |"
    yield "|---|---|---|"
    for change in changes:
        before, after = words.change_sides(change)
        yield f"| {_code(change.path)} | {_code(before)} | {_code(after)} |"
    yield ""


def _graph(graph: Graph) -> Iterator[str]:
    chart = flowchart(graph.resources, graph.actions)
    if chart:
        yield from _folded("Diagram", ["```mermaid", chart, "```"])


def _resources(resources: Resources) -> Iterator[str]:
    body: list[str] = []
    for each, parent in resources.with_parents():
        body.append(f"- **{_text(each.name)}** {_text(words.kind(each.type))}")
        lines = words.inputs_that_matter(each, parent.inputs)
        body += [f"  - {_code(f'{path}: {value}')}" for path, value in lines]
    if body:
        yield from _folded("Resources", body)


def _outputs(outputs: Outputs) -> Iterator[str]:
    if outputs.outputs:
        lines = [f"- {_code(f'{name}: {words.value(value)}')}" for name, value in outputs.outputs.items()]
        yield from _folded("Outputs", lines)


def _cost(cost: Cost) -> Iterator[str]:
    if cost.difference is not None:
        yield f"**Monthly cost:** {_text(words.cost_line(cost.difference))}"
        yield ""
    if cost.cost is not None:
        header, *rows = cost_rows(cost.cost)
        table = [_row(header), "|" + "---|" * len(header), *map(_row, rows), ""]
        said = (*(f"Unknown: {each}" for each in cost.unknown), *cost.cost.assumptions, *cost.cost.notes)
        table += [f"- {_text(each)}" for each in said]
        yield from _folded("Cost by resource", table)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _findings(findings: Findings) -> Iterator[str]:
    yield "**Findings**"  # without it, they would be one list with the risks
    yield ""
    for finding in findings.new:
        severity = finding["severity"]
        said = " ".join(map(_text, words.finding_sentences(finding))).rstrip()
        yield f"- {_SEVERITIES.get(severity, '🔵')} **{severity}** {said}"
    if known := words.as_before(findings.known_by_severity):
        yield f"- {known}"
    yield ""


def _unjudged(unjudged: RulesNotJudged) -> Iterator[str]:
    for note in unjudged_notes(unjudged.by_resource):
        yield _text(note)
        yield ""


def _folded(title: str, body: list[str], is_open: bool = False) -> Iterator[str]:
    yield f"<details{' open' if is_open else ''}><summary>{title}</summary>"
    yield ""
    yield from body
    yield ""
    yield "</details>"
    yield ""


def _text(text: str) -> str:
    """Escape text: a value from a pull request must not become markup, a link or a mention.

    What stands in backticks is code.
    """
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(_code(part) if place % 2 else _escaped(part) for place, part in enumerate(parts))


def _escaped(text: str) -> str:
    escaped = re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text).replace("@", "@\u200b")
    return _LINK.sub("\\g<0>\u200b", escaped)


def _code(text: str) -> str:
    """Quote as code, in as many backticks as it needs; a bar would end a table's cell."""
    line = " ".join(text.split()).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


RENDERERS = Renderers[str](
    {
        Verdicts: _verdicts,
        Title: _title,
        LeftOut: _left_out,
        Heading: _heading,
        StackVerdict: _verdict,
        Risks: _risks,
        Notes: _notes,
        Changes: _changes,
        Graph: _graph,
        Resources: _resources,
        Outputs: _outputs,
        Cost: _cost,
        Findings: _findings,
        RulesNotJudged: _unjudged,
    }
)
