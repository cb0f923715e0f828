"""Renders advice: the table, the recommendation, what would change it, and the source of each figure."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slipway.infra.advise.choose import Advice
from slipway.infra.advise.offer import Estimate
from slipway.infra.cost.money import dollars
from slipway.infra.cost.report import plain, price_lines
from slipway.infra.cost.stack import row_notes


def advice_json(advice: Advice, today: date) -> dict[str, Any]:
    """Amounts are USD a month."""
    keys = [row.key for row in advice.prices]
    return {
        "recommended": advice.best.offer.name,
        "settings": dict(advice.best.offer.settings),
        "why": list(advice.why),
        "otherwise": list(advice.otherwise),
        "break_evens": [asdict(one) for one in advice.break_evens],
        "options": [_option_json(one, keys) for one in advice.estimates],
        "prices": [
            {"key": row.key, "usd": row.usd, "unit": row.unit, "date": row.dated, "source": row.source}
            | {"confirmed": row.confirmed}
            for row in advice.prices
        ],
        "notes": [*advice.notes, *row_notes(advice.prices, today)],
    }


def _option_json(one: Estimate, keys: list[str]) -> dict[str, Any]:
    return {
        "name": one.offer.name,
        "deployed_by_slipway": bool(one.offer.target),
        "region": one.offer.region,
        "idle": asdict(one.idle),
        "expected": asdict(one.expected),
        "maximum": asdict(one.maximum),
        "against": list(one.offer.against),
        "remark": one.offer.remark,
        "prices": _marks(one, keys),
    }


def _marks(one: Estimate, keys: list[str]) -> list[int]:
    used = {row.key for line in one.lines for row in (line.price, line.share) if row}
    return sorted(keys.index(key) + 1 for key in used)


def advice_text(advice: Advice, today: date, explain: bool) -> Iterator[RenderableType]:
    yield _asked(advice)
    yield _table(advice)
    best = advice.best
    yield Text.assemble("Recommended: ", (best.offer.name, "bold cyan"), f" in {best.offer.region}.")
    yield from map(_indented, advice.why)
    changes = [*_traffic(advice), *advice.otherwise]
    if changes:
        yield Text("What would change that:", style="bold")
        yield from map(_indented, changes)
    for note in [*advice.notes, *row_notes(advice.prices, today)]:
        yield Text(f"Note: {note}", style="yellow")
    yield Text(
        "List prices for 730 hours, without egress, logs, alarms, images and secrets, which cost about the "
        "same everywhere.",
        style="dim",
    )
    if explain:
        yield from _explained(advice)
        yield from price_lines(advice.prices)
    else:
        yield Text("--explain shows every charge and the source of every price.", style="dim")


def _indented(sentence: str) -> Padding:
    """Indent every line of a sentence that is wrapped."""
    return Padding(Text(sentence), (0, 0, 0, 2), expand=False)


def _asked(advice: Advice) -> Text:
    asked = advice.question
    parts = [f"{asked.rps:g} requests/s on average, {asked.peak:g} maximum, {asked.hours:g} h a day"]
    if asked.cpu_seconds is not None:
        how = "measured by `slipway fit`" if asked.measured else "as given"
        parts.append(f"{asked.cpu_seconds * 1000:.3g} ms of a vCPU a request ({how})")
    if asked.gpu_seconds is not None:
        parts.append(f"{asked.gpu_seconds * 1000:.3g} ms of {asked.gpu} a request (as given)")
    parts.append(f"{asked.need_mib:.0f} MiB of memory")
    return Text.assemble((asked.model, "bold cyan"), ": " + "; ".join(parts))


def _table(advice: Advice) -> Table:
    table = Table(box=None, header_style="dim")
    for title in ("option", "expected", "idle", "maximum", "pros and cons"):
        right = title in ("expected", "idle", "maximum")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for one in advice.estimates:
        style = "bold" if one is advice.best else None if one.fits else "dim"
        said = "; ".join(one.offer.against) or one.offer.remark
        name = one.offer.name if one.offer.target else f"({one.offer.name})"
        table.add_row(name, str(one.expected), str(one.idle), str(one.maximum), said, style=style)
    return table


def _traffic(advice: Advice) -> Iterator[str]:
    for even in sorted(advice.break_evens, key=lambda one: one.factor):
        times = f"{even.factor:.3g} times the traffic"
        word = "From" if even.factor > 1 else "Below"
        yield f"{word} {even.rps:.3g} requests/s ({times}) {even.cheaper} is cheaper."


def _explained(advice: Advice) -> Iterator[Text]:
    keys = [row.key for row in advice.prices]
    for one in advice.estimates:
        yield Text(one.offer.name, style="bold")
        for line in one.lines:
            if line.price is None or line.usd is None:
                yield Text(f"  {line.key}: unknown")
                continue
            mark = f"[{keys.index(line.key) + 1}]"
            share = f" x {line.share.usd:g} [{keys.index(line.share.key) + 1}]" if line.share else ""
            amount = dollars(line.charge.expected * line.usd)
            quantity = f"{line.charge.expected:,.6g} {line.price.unit}"
            yield Text(f"  {line.key}: {quantity} x ${plain(line.price.usd or 0)} {mark}{share} = {amount}")
