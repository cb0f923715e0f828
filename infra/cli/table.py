"""The table of stacks in which a command on several of them ends."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from slipway.infra.cli.console import OUT

_COLOURS = {
    "ready": "green",
    "starting": "yellow",
    "failed": "red",
    "stuck": "red",
    "safe": "green",
    "look": "yellow",
    "dangerous": "red",
}


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> None:
    """Print one row per stack, whose first cell is its name. right: headers of the columns of numbers."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    numbers = set(right)
    for title in header:
        is_name = title == header[0]
        table.add_column(
            title, justify="right" if title in numbers else "left", no_wrap=is_name, overflow="fold"
        )
    for name, *cells in rows:
        table.add_row(Text(name, style="bold"), *(Text(cell, style=_COLOURS.get(cell, "")) for cell in cells))
    OUT.print(table, soft_wrap=False)
