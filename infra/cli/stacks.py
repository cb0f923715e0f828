"""Which stacks a command works on: named as arguments or by `--stack`, several of them also by a pattern."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.errors import Refused
from slipway.infra.settings.stackfile import stack_names

_PATTERN = set("*?[")


def _known(incomplete: str) -> list[str]:
    """Complete the name of a stack of the project in or above this folder."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / "Pulumi.yaml").is_file()), here)
    return [name for name in stack_names(root) if name.startswith(incomplete)]


_OPTION = "Stack, as the argument."
Stack = Annotated[
    str | None,
    typer.Argument(
        help="Stack: the NAME in Pulumi.NAME.yaml (default: local).",
        autocompletion=_known,
        show_default=False,
    ),
]
RequiredStack = Annotated[
    str | None,
    typer.Argument(
        help="Stack: the NAME in Pulumi.NAME.yaml. Required.", autocompletion=_known, show_default=False
    ),
]
StackOption = Annotated[
    str | None, typer.Option("--stack", "-s", metavar="NAME", help=_OPTION, autocompletion=_known)
]
Stacks = Annotated[
    list[str] | None,
    typer.Argument(
        help="Stacks, or patterns such as 'prod*' (default: all).", autocompletion=_known, show_default=False
    ),
]
StacksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        help="Stack or pattern, as the argument; repeatable.",
        autocompletion=_known,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def one_stack(argument: str | None, option: str | None, default: str = "local") -> str:
    """Return the stack that is named. Raises Refused for two names, and for none without a default."""
    if argument and option and argument != option:
        raise Refused(f"Two stacks are named, {argument} and --stack {option}; this command takes one.")
    name = argument or option or default
    if not name:
        raise Refused(f"Name a stack. Stacks here: {', '.join(stack_names(Path())) or 'none'}.")
    return name


def some_stacks(arguments: Iterable[str] | None, options: Iterable[str] | None) -> list[str]:
    """Return the stacks that are named, each once; the names for a pattern are sorted. None named: [].

    Raises Refused for a pattern that no stack matches.
    """
    found: dict[str, None] = {}
    for name in (*(arguments or ()), *(options or ())):
        if not _PATTERN & set(name):
            found[name] = None
            continue
        here = stack_names(Path())
        matching = [stack for stack in here if fnmatchcase(stack, name)]
        if not matching:
            raise Refused(f"No stack matches {name!r}. Stacks here: {', '.join(here) or 'none'}.")
        found |= dict.fromkeys(matching)
    return list(found)
