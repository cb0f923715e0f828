"""Reads the calls of `slipway` in a page's blocks, and parses them with the command's own parser."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer.main

from slipway.infra.cli.app import app

_CALL = re.compile(r"(?:^|[\s;&|(`$])(?:\.venv/bin/)?slipway((?:[ \t]+[^\n;&|)`#>]+)*)")
_PLACEHOLDER = re.compile(r"<[^<>\n]+>|…")
_GROUP: Any = typer.main.get_command(app)


def calls(script: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of `slipway` in a script; `<bucket>` becomes a word."""
    joined = re.sub(r"\\\n\s*", " ", script)
    for line in _PLACEHOLDER.sub("placeholder", joined).splitlines():
        if re.match(r"\s*(git clone|docker|pip) ", line.partition("&&")[0]) and "&&" not in line:
            continue  # `slipway` is a folder or an image there
        for found in _CALL.finditer(line.partition(" #")[0]):
            yield shlex.split(found[1])


def parse(arguments: list[str]) -> None:
    """Parse the arguments of a call. Raises click's UsageError for what the command would refuse."""
    context = _GROUP.make_context("slipway", list(arguments), resilient_parsing=False)
    _parse_below(_GROUP, context)


def _parse_below(group: Any, context: Any) -> None:
    name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    below = command.make_context(name, list(rest), parent=context)
    if hasattr(command, "commands"):
        _parse_below(command, below)


def named_options(arguments: list[str]) -> tuple[str, set[str], set[str]]:
    """Return the command that a shortened call names, its options in the call, and those that it has.

    Raises KeyError for a command that does not exist.
    """
    command, path, rest = _GROUP, "slipway", list(arguments)
    while rest and hasattr(command, "commands"):
        word = rest.pop(0)
        if word.startswith("-"):
            break
        command, path = command.commands[word], f"{path} {word}"
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"-h", "--help"}
    return path, given, known
