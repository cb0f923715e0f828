"""A preview as one page on its own: no script, no request, light or dark as the reader has it.

What comes from a stack is escaped, and the page's own policy lets nothing be loaded or run.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from slipway.infra.cost.stack import StackCost
from slipway.infra.diff.model import ResourceChange, StackDiff
from slipway.infra.diff.paths import Change
from slipway.infra.plan.monitor import Resource
from slipway.infra.preview import words
from slipway.infra.preview.command import Shown
from slipway.infra.preview.graph import svg_of
from slipway.infra.preview.stack import StackPreview

_STYLE = Path(__file__).with_name("page.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LEGEND = "Bar: a month with the least instances and no request; outline: with all instances busy."


def page_of(shown: Shown) -> str:
    title = f"Preview against {shown.base}" if shown.base else "Preview"
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style>"
    )
    links = "".join(
        f'<li><a href="#{_id(each.stack)}">{escape(each.stack)}</a></li>' for each in shown.stacks
    )
    notes = [*shown.notes, *(f"Stack {name} is left out: {why}" for name, why in shown.left_out.items())]
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f'<p class="note">{_inline(note)}</p>' for note in notes),
        f'<nav aria-label="Stacks"><ul>{links}</ul></nav><main>',
        *(_section(preview) for preview in shown.stacks),
        "</main>",
    ]
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _section(preview: StackPreview) -> str:
    name = escape(preview.stack)
    parts = [
        f'<section id="{_id(preview.stack)}" aria-label="Stack {name}">',
        f'<h2>Stack {name} <span class="state">{escape(_state(preview))}</span></h2>',
        *_risks(preview),
        *(f'<p class="note">{_inline(note)}</p>' for note in preview.notes),
    ]
    if preview.diff is not None:
        parts += _changes(preview.diff)
    parts += [*_graph(preview), *_cost(preview), *_findings(preview)]
    if preview.diff is None and preview.plan is not None:
        parts += _resources(preview.plan.resources)
    return "".join([*parts, "</section>"])


def _state(preview: StackPreview) -> str:
    if preview.refused is not None:
        return "refused"
    if preview.diff is None:
        return f"{len(preview.plan.resources) - 1} resources" if preview.plan else ""
    new = "new: " if preview.diff.before is None else "removed: " if preview.diff.after is None else ""
    return new + words.counted(preview.diff)


def _risks(preview: StackPreview) -> Iterator[str]:
    if not preview.risks:
        return
    yield '<h3>Risks</h3><ul class="risks">'
    for risk in preview.risks:
        level = risk.level.name.lower()
        detail = f' <span class="soft">{_inline(risk.detail)}</span>' if risk.detail else ""
        yield f'<li class="{level}"><span class="level">{level}</span> {_inline(risk.text)}.{detail}</li>'
    yield "</ul>"


def _changes(diff: StackDiff) -> Iterator[str]:
    if diff.settings:
        yield '<h3>Settings</h3><div class="scroll" tabindex="0"><table><thead><tr>'
        yield '<th scope="col">Setting</th><th scope="col">before</th><th scope="col">after</th>'
        yield "</tr></thead><tbody>"
        yield from map(_row, diff.settings)
        yield "</tbody></table></div>"
    if diff.changed:
        yield '<h3>Changes</h3><ul class="changes">'
        yield from (f"<li>{_change(change)}</li>" for change in diff.changed)
        yield "</ul>"


def _row(change: Change) -> str:
    before, after = words.change_sides(change)
    cells = "".join(f"<td><code>{escape(text)}</code></td>" for text in (before, after))
    return f'<tr><th scope="row"><code>{escape(change.path)}</code></th>{cells}</tr>'


def _change(change: ResourceChange) -> str:
    headline = words.headline(change).partition("; ")[2]
    title = (
        f'<span class="badge {change.action.value}">{words.VERBS[change.action]}</span> '
        f"<strong>{escape(change.name)}</strong> "
        f'<span class="soft">{escape(words.kind(change.type))} {escape(headline)}</span>'
    )
    if not change.changes:
        return title
    inner = "".join(f"<li><code>{escape(words.change_line(each))}</code></li>" for each in change.changes)
    return f"<details><summary>{title}</summary><ul>{inner}</ul></details>"


def _graph(preview: StackPreview) -> Iterator[str]:
    diff = preview.diff
    resources = list(preview.plan.resources) if preview.plan else []
    actions = {}
    if diff is not None:
        actions = {change.urn: change.action for change in diff.changed}
        here = {each.urn for each in resources}
        resources += [each.before for each in diff.changed if each.before and each.urn not in here]
    picture = svg_of(resources, actions, f"Resources of the stack {preview.stack} and what they use")
    if picture:
        yield '<h3>Graph</h3><div class="scroll" tabindex="0" role="group" aria-label="Graph">'
        yield f"{picture}</div>"


def _cost(preview: StackPreview) -> Iterator[str]:
    if preview.cost is None:
        return
    yield "<h3>Cost a month</h3>"
    if preview.cost_difference is not None:
        yield f"<p>{escape(words.cost_line(preview.cost_difference))}</p>"
    yield from _bars(preview.cost)
    said = (*preview.cost.assumptions, *preview.cost.notes)
    if said:
        inner = "".join(f"<li>{_inline(each)}</li>" for each in said)
        yield f"<details><summary>Assumed, and where the prices come from</summary><ul>{inner}</ul></details>"


def _bars(cost: StackCost) -> Iterator[str]:
    """The free ones have none. A part that is unknown is said, and has no length."""
    rows = sorted(
        (each for each in cost.resources if each.kind != "free"), key=lambda each: -each.maximum.usd
    )
    longest = max((each.maximum.usd for each in rows), default=0) or 1
    yield f'<p class="soft">{_LEGEND}</p><ul class="bars">'
    for each in rows:
        most, idle = (round(100 * usd / longest, 1) for usd in (each.maximum.usd, each.idle.usd))
        bar = f'<span class="most" style="width:{most}%"></span>'
        bar += f'<span class="idle" style="width:{idle}%"></span>'
        yield (
            f'<li><span>{escape(each.name)}</span><span class="bar" aria-hidden="true">{bar}</span>'
            f'<span class="amount">{escape(str(each.idle))} to {escape(str(each.maximum))}</span></li>'
        )
    yield (
        f'<li><strong>All</strong><span></span><strong class="amount">{escape(str(cost.idle))} to '
        f"{escape(str(cost.maximum))}</strong></li></ul>"
    )


def _findings(preview: StackPreview) -> Iterator[str]:
    if not preview.findings:
        return
    yield '<h3>Findings</h3><ul class="findings">'
    for each in preview.new_findings:
        severity = escape(each["severity"])
        rest = " ".join(filter(None, (each["reason"], each["fix"])))
        yield (
            f'<li class="{severity}"><span class="level">{severity}</span> '
            f'{_inline(each["title"].rstrip("."))}. <span class="soft">{_inline(rest)}</span></li>'
        )
    known = len(preview.findings) - len(preview.new_findings)
    before = f'<p class="soft">{words.as_before(known)}</p>' if known else ""
    yield f"</ul>{before}"


def _resources(resources: Iterable[Resource]) -> Iterator[str]:
    by_urn = {each.urn: each for each in resources}
    yield '<h3>Resources</h3><ul class="changes">'
    for each in by_urn.values():
        if each.parent is not None:
            lines = words.inputs_that_matter(each, by_urn[each.parent].inputs)
            inner = "".join(f"<li><code>{escape(path)}: {escape(value)}</code></li>" for path, value in lines)
            kind = f'<span class="soft">{escape(words.kind(each.type))}</span>'
            title = f"<summary><strong>{escape(each.name)}</strong> {kind}</summary>"
            yield f"<li><details>{title}<ul>{inner}</ul></details></li>"
    yield "</ul>"


def _inline(text: str) -> str:
    """A sentence; what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _id(stack: str) -> str:
    return f"stack-{escape(stack)}"
