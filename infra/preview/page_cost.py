"""Renders the cost of a stack for the page: a table with a bar for each resource that is priced."""

from collections.abc import Iterator
from html import escape
from itertools import zip_longest

from slipway.infra.cost.report import cost_rows
from slipway.infra.cost.stack import ResourceCost, StackCost
from slipway.infra.preview import words
from slipway.infra.preview.blocks import Cost
from slipway.infra.preview.markup import folded, inline, note, table

_LEGEND = "Solid bar: idle, with the minimum of instances and no request. Outline: with every instance busy."


def page_cost(cost: Cost) -> Iterator[str]:
    """Yield the difference in a sentence, then the table; a removed stack has only the first."""
    yield "<h3>Monthly cost</h3>"
    if cost.difference is not None:
        yield f"<p>{escape(words.cost_line(cost.difference))}</p>"
    if cost.cost is None:
        return
    yield _table(cost.cost)
    if any(each.kind != "free" for each in cost.cost.resources):
        yield f'<p class="soft legend">{_LEGEND}</p>'
    yield from (note(f"Unknown: {each}") for each in cost.unknown)
    said = (*cost.cost.assumptions, *cost.cost.notes)
    if said:
        yield folded("Assumptions and price sources", map(inline, said))


def _table(cost: StackCost) -> str:
    header, *rows = cost_rows(cost)
    priced = [each for each in cost.resources if each.kind != "free"]
    longest = max((each.maximum.usd for each in priced), default=0) or 1
    lines = (_row(cells, one, longest) for cells, one in zip_longest(rows, priced) if cells)
    return table((header[0], "", *header[1:]), lines, kind="cost")


def _row(cells: tuple[str, ...], cost: ResourceCost | None, longest: float) -> str:
    """Write a resource, or what stands for several: these have no bar."""
    name, *amounts, how = map(escape, cells)
    numbers = "".join(f'<td class="number">{amount}</td>' for amount in amounts)
    bar = _bar(cost, longest) if cost else ""
    return f'<tr><th scope="row">{name}</th><td>{bar}</td>{numbers}<td class="soft">{how}</td></tr>'


def _bar(cost: ResourceCost, longest: float) -> str:
    most, idle = (round(100 * usd / longest, 1) for usd in (cost.maximum.usd, cost.idle.usd))
    spans = (
        f'<span class="most" style="width:{most}%"></span><span class="idle" style="width:{idle}%"></span>'
    )
    return f'<div class="bar" aria-hidden="true">{spans}</div>'
