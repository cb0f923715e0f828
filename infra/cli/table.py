"""The tables of commands: of stacks, in which a command on several of them ends, and of releases."""

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
    """Print one row per stack or release, named in its first cell. right: headers of columns of numbers."""
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
