"""How costs are shown: as data for programs, as rows for any renderer, as tables for people."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from slipway.infra.cost.difference import Change, CostDifference
from slipway.infra.cost.money import Money, dollars
from slipway.infra.cost.prices import Price
from slipway.infra.cost.stack import Line, ResourceCost, StackCost

HEADER = ("resource", "idle", "expected", "maximum", "how")


def cost_json(cost: StackCost) -> dict[str, Any]:
    """Amounts are USD a month; `unknown` names what is not in `usd`."""
    return {
        "stack": cost.stack,
        "idle": asdict(cost.idle),
        "expected": asdict(cost.expected),
        "maximum": asdict(cost.maximum),
        "per_million": asdict(cost.per_million) if cost.per_million else None,
        "resources": [_resource_json(one) for one in cost.resources],
        "assumptions": list(cost.assumptions),
        "notes": list(cost.notes),
        "prices": [_price_json(row) for row in cost.prices],
    }


def _resource_json(cost: ResourceCost) -> dict[str, Any]:
    return {
        "urn": cost.urn,
        "type": cost.type,
        "name": cost.name,
        "kind": cost.kind,
        "note": cost.note,
        "idle": asdict(cost.idle),
        "expected": asdict(cost.expected),
        "maximum": asdict(cost.maximum),
        "per_million": asdict(cost.per_million) if cost.per_million else None,
    }


def _price_json(price: Price) -> dict[str, Any]:
    return {
        "key": price.key,
        "regions": list(price.regions),
        "usd": price.usd,
        "unit": price.unit,
        "date": price.as_of.isoformat() if price.as_of else None,
        "confirmed": price.confirmed,
        "source": price.source,
        "note": price.note,
    }


def difference_json(difference: CostDifference) -> dict[str, Any]:
    def three(one: Any) -> dict[str, Any]:
        return {name: _change_json(getattr(one, name)) for name in ("idle", "expected", "maximum")}

    resources = [
        {"urn": one.urn, "type": one.type, "name": one.name, **three(one)} for one in difference.resources
    ]
    stays = {"stays": True} if difference.stays else {}
    return {"stack": difference.stack, **three(difference), "resources": resources, **stays}


def _change_json(change: Change) -> dict[str, Any]:
    return {"before": asdict(change.before), "after": asdict(change.after), "text": change.text}


def cost_rows(cost: StackCost) -> list[tuple[str, ...]]:
    """Make the table: the header, what is priced or unknown, the free resources in one row, and the sum."""
    rows: list[tuple[str, ...]] = [HEADER]
    rows += [_row(one) for one in cost.resources if one.kind != "free"]
    free = [one for one in cost.resources if one.kind == "free"]
    if free:
        rows.append((f"{len(free)} more", "$0.00", "$0.00", "$0.00", "free by themselves"))
    million = f"{cost.per_million} for a million requests more" if cost.per_million else ""
    rows.append(("a month", str(cost.idle), str(cost.expected), str(cost.maximum), million))
    return rows


def _row(cost: ResourceCost) -> tuple[str, ...]:
    return (cost.name, str(cost.idle), str(cost.expected), str(cost.maximum), cost.note)


def cost_table(cost: StackCost, explain: bool = False) -> Iterator[RenderableType]:
    """Report a stack's cost.

    explain: also why a resource is free, each charge, and the price rows with their sources.
    """
    yield Text.assemble(("Cost of ", "bold"), (cost.stack, "bold cyan"), ", USD a month")
    yield _table(cost_rows(cost))
    yield _idle_line(cost)
    for missing in _unknown(cost):
        yield Text(f"Unknown: {missing}", style="yellow")
    for note in cost.notes:
        yield Text(f"Note: {note}", style="yellow")
    for sentence in cost.assumptions:
        yield Text(sentence, style="dim")
    if explain:
        yield from _explained(cost)


def _idle_line(cost: StackCost) -> Text:
    if cost.idle.usd < 1 and not cost.idle.unknown:
        return Text(f"Idle cost: {cost.idle} a month.")
    return Text(f"Idle cost: {cost.idle} a month.", style="bold")


def _unknown(cost: StackCost) -> Iterable[str]:
    whole = Money.total((cost.idle, cost.expected, cost.maximum))
    return whole.unknown


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=None, header_style="dim")
    for position, title in enumerate(rows[0]):
        table.add_column(title, justify="right" if 1 <= position <= 3 else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(*row, style="bold" if row is rows[-1] else None)
    return table


def _explained(cost: StackCost) -> Iterator[RenderableType]:
    keys = [row.key for row in cost.prices]
    for one in cost.resources:
        if one.kind != "priced":
            yield Text(f"{one.name} ({one.type}): {one.kind}, {one.note}")
            continue
        yield Text(f"{one.name} ({one.type})", style="bold")
        for line in one.lines:
            yield from _line_text(line, keys)
    yield from price_lines(cost.prices)


def _line_text(line: Line, keys: list[str]) -> Iterator[Text]:
    charge, price = line.charge, line.price
    if price is None or line.usd is None:
        yield Text(f"  {line.key}: unknown")
        return
    share = f" x {line.share.usd:g} [{_mark(keys, line.share.key)}]" if line.share else ""
    quantities = f"{charge.idle:,.6g} / {charge.expected:,.6g} / {charge.maximum:,.6g} {price.unit}"
    sums = " / ".join(dollars(part * line.usd) for part in (charge.idle, charge.expected, charge.maximum))
    yield Text(
        f"  {line.key}: {quantities} x ${plain(price.usd or 0)} [{_mark(keys, line.key)}]{share} = {sums}"
    )


def _mark(keys: list[str], key: str) -> int:
    return keys.index(key) + 1


def price_lines(prices: Iterable[Price]) -> Iterator[Text]:
    """List the price rows that were used, numbered as the marks in brackets are."""
    for number, row in enumerate(prices, start=1):
        sign = "" if row.unit.startswith("of ") else "$"
        usd = "unknown" if row.usd is None else f"{sign}{plain(row.usd)}"
        sure = "" if row.confirmed else "secondary source: "
        note = f" ({row.note})" if row.note else ""
        source = f"{sure}{row.source}" if row.source else "no source"
        each = row.unit if row.unit.startswith("of ") else f"a {row.unit}"
        yield Text(f"[{number}] {row.key}: {usd} {each}, {row.dated}; {source}{note}")


def plain(usd: float) -> str:
    """Format every digit that matters, without an exponent."""
    return f"{usd:.10f}".rstrip("0").rstrip(".")


def difference_lines(difference: CostDifference) -> list[str]:
    """Show a difference in words, the whole first; in one line where nothing changes."""
    lines = [
        f"Cost of {difference.stack} a month: idle {_moved(difference.idle)}; expected "
        f"{_moved(difference.expected)}; maximum {_moved(difference.maximum)}."
    ]
    for one in difference.resources:
        lines.append(
            f"  {one.name}: idle {one.idle.text}, expected {one.expected.text}, maximum {one.maximum.text}"
        )
    return lines


def _moved(change: Change) -> str:
    if change.text == "no change":
        return f"{change.after} (no change)"
    return f"{change.before} to {change.after} ({change.text})"
