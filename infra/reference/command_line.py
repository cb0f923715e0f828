"""Renders the reference of the `slipway` command from its own commands, options and help."""

from collections.abc import Iterator
from typing import Any, cast

import typer
import typer.main

from slipway.infra.cli.app import app

_HEAD = """# The command line

How to put `slipway` [on your PATH](../start/owner.md#the-command-on-your-path). Exit codes: 0 success; 1 the
operation started and failed; 2 refused, or interrupted. Every command that prints a report takes
`--format json`. Each command has one example, which `-h` prints too.
"""


def page() -> str:
    """Render every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    return "\n".join([_HEAD, *_parameters(group), *_commands("slipway", group)]).rstrip() + "\n"


def _commands(path: str, group: Any) -> Iterator[str]:
    for name, command in cast("dict[str, Any]", group.commands).items():
        if hasattr(command, "commands"):
            yield from _commands(f"{path} {name}", command)
            continue
        context = typer.Context(command)
        pieces = [piece for parameter in command.params for piece in parameter.get_usage_pieces(context)]
        yield f"## `{path} {name}`\n"
        yield f"    {' '.join([path, name, *pieces])} [options]\n"
        yield f"{command.help}\n"
        yield from _parameters(command)
        if command.epilog:
            yield f"<!-- not run: needs a cloud -->\n```sh\n{command.epilog.removeprefix('Example: ')}\n```\n"


def _parameters(command: Any) -> Iterator[str]:
    context = typer.Context(command)
    records = [one.get_help_record(context) for one in command.params if one.name != "help"]
    rows = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in records]
    if rows:
        yield "\n".join(["| argument or option | what |", "|---|---|", *rows]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
