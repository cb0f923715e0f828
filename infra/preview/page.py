"""Renders a preview as one page on its own: no script, no request, light or dark as the reader has it.

What comes from a stack is escaped, and the page's own policy lets nothing be loaded or run.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from slipway.components.printable import printable
from slipway.infra.diff.model import ResourceChange
from slipway.infra.policy.judge import unjudged_notes
from slipway.infra.preview import words
from slipway.infra.preview.blocks import (
    Changes,
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
    Section,
    StackState,
    Title,
)
from slipway.infra.preview.command import Shown
from slipway.infra.preview.contents import contents_of
from slipway.infra.preview.graph import svg_of
from slipway.infra.preview.markup import code, folded, inline, note, row, table
from slipway.infra.preview.page_cost import page_cost
from slipway.infra.preview.rendering import Renderers
from slipway.infra.preview.verdict import StackVerdict, Verdicts
from slipway.infra.resources.reading import Resource

_STYLE = Path(__file__).with_name("page.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page_of(shown: Shown) -> str:
    """Return the whole page."""
    contents = contents_of(shown)
    title = _name(shown.base)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style>"
    )
    links = "".join(
        f'<li><a href="#{_id(each.stack)}">{escape(each.stack)}</a></li>' for each in contents.sections
    )
    body = [
        *RENDERERS.rendered(contents.opening),
        f'<nav aria-label="Stacks"><ul>{links}</ul></nav><main>',
        *map(_section, contents.sections),
        "</main>",
    ]
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'
    return printable(page)


def _section(section: Section) -> str:
    body = "".join(RENDERERS.rendered(section.blocks(Depth.FULL)))
    label = f"Stack {escape(section.stack)}"
    return f'<section id="{_id(section.stack)}" aria-label="{label}">{body}</section>'


def _name(base: str) -> str:
    return f"Preview against {base}" if base else "Preview"


def _verdicts(found: Verdicts) -> Iterator[str]:
    yield f'<p class="verdict {found.grade.word}"><strong>{inline(words.verdicts(found))}</strong></p>'


def _verdict(found: StackVerdict) -> Iterator[str]:
    yield f'<p class="verdict {found.grade.word}">{inline(words.verdict(found))}</p>'


def _title(title: Title) -> Iterator[str]:
    yield f"<h1>{escape(_name(title.base))}</h1>"
    yield from map(note, title.notes)


def _left_out(left_out: LeftOut) -> Iterator[str]:
    yield from (note(words.left_out(stack, why)) for stack, why in left_out.stacks.items())


def _heading(heading: Heading) -> Iterator[str]:
    state = ": ".join(filter(None, (words.named_state(heading), words.summary(heading))))
    yield f'<h2>Stack {escape(heading.stack)} <span class="state">{escape(state)}</span></h2>'


def _risks(block: Risks) -> Iterator[str]:
    if not block.risks:
        return
    yield '<h3>Risks</h3><ul class="risks">'
    for risk in block.risks:
        level = risk.level.name.lower()
        detail = f' <span class="soft">{inline(risk.detail)}</span>' if risk.detail else ""
        yield f'<li class="{level}"><span class="level">{level}</span> {inline(risk.text)}.{detail}</li>'
    yield "</ul>"


def _notes(notes: Notes) -> Iterator[str]:
    yield from map(note, notes.sentences)


def _changes(changes: Changes) -> Iterator[str]:
    if changes.settings:
        rows = (row(each.path, *words.change_sides(each)) for each in changes.settings)
        yield f"<h3>Settings</h3>{table(('Setting', 'before', 'after'), rows)}"
    if changes.resources:
        yield '<h3>Changes</h3><ul class="changes">'
        yield from (f"<li>{_change(change, changes.state)}</li>" for change in changes.resources)
        yield "</ul>"


def _change(change: ResourceChange, state: StackState) -> str:
    verb = words.STAYS if state is StackState.REMOVED else words.VERBS[change.action]
    headline = words.headline(change, state).partition("; ")[2]
    title = (
        f'<span class="badge {change.action.value}">{verb}</span> '
        f"<strong>{escape(change.name)}</strong> "
        f'<span class="soft">{escape(words.kind(change.type))} {escape(headline)}</span>'
    )
    if not change.changes:
        return title
    return folded(title, (code(words.change_line(each)) for each in change.changes))


def _graph(graph: Graph) -> Iterator[str]:
    label = f"Resources of the stack {graph.stack} and what they use"
    picture = svg_of(graph.resources, graph.actions, label)
    if picture:
        yield '<h3>Graph</h3><div class="scroll" tabindex="0" role="group" aria-label="Graph">'
        yield f"{picture}</div>"


def _resources(resources: Resources) -> Iterator[str]:
    yield "<h3>Resources</h3>"
    yield folded(words.sized(resources.counts), (_resource(*each) for each in resources.with_parents()))


def _resource(resource: Resource, parent: Resource) -> str:
    kind = f'<span class="soft">{escape(words.kind(resource.type))}</span>'
    lines = words.inputs_that_matter(resource, parent.inputs)
    title = f"<strong>{escape(resource.name)}</strong> {kind}"
    return folded(title, (code(f"{path}: {value}") for path, value in lines))


def _outputs(outputs: Outputs) -> Iterator[str]:
    if outputs.outputs:
        rows = (row(name, words.value(value)) for name, value in outputs.outputs.items())
        yield f"<h3>Outputs</h3>{table((), rows)}"


def _findings(findings: Findings) -> Iterator[str]:
    yield '<h3>Findings</h3><ul class="findings">'
    for each in findings.new:
        severity = escape(each["severity"])
        said, rest = words.finding_sentences(each)
        yield (
            f'<li class="{severity}"><span class="level">{severity}</span> '
            f'{inline(said)} <span class="soft">{inline(rest)}</span></li>'
        )
    yield "</ul>"
    if known := words.as_before(findings.known_by_severity):
        yield f'<p class="soft">{known}</p>'


def _unjudged(unjudged: RulesNotJudged) -> Iterator[str]:
    yield from map(note, unjudged_notes(unjudged.by_resource))


def _id(stack: str) -> str:
    return f"stack-{escape(stack)}"


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
        Cost: page_cost,
        Findings: _findings,
        RulesNotJudged: _unjudged,
    }
)
