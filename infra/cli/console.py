"""Prints results on standard output, progress and errors on standard error, and maps errors to exit codes.

0 done; 1 the operation failed; 2 refused: bad input, a state that does not allow it, or interrupted.
"""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from slipway.components.fault import ComponentError
from slipway.components.local.process import PortTaken, StartFailed
from slipway.components.printable import printable
from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.settings.faults import SettingsError


def confirmed(question: str, way: str, *, default: bool = False) -> bool:
    """Ask on the terminal. way: what to do where there is none, which raises Refused."""
    if not sys.stdin.isatty():
        raise Refused(f"There is no terminal to ask on. {way}")
    return typer.confirm(question, default=default, err=True)


# Wider than any line that a program reads.
_WIDEST = 100_000


class Terminal(Console):
    """Prints text as it is: nothing in it is markup, a picture's name, or a command to the terminal.

    Lines are wrapped between words at the width of a terminal; a program reads whole lines.
    """

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        self.soft_wrap = not self.is_terminal
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _WIDEST

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)  # a Text drops what moves the cursor

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


OUT, ERR = Terminal(), Terminal(stderr=True)
# A component refuses too; a start that failed is no refusal, but for a port that another process has.
_REFUSALS = (Refused, PortTaken)


class Format(StrEnum):
    """The output format of a command."""

    TEXT = "text"
    JSON = "json"


class PreviewFormat(StrEnum):
    """The output format of a preview: also a pull request comment, and a page."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


def print_json(data: dict[str, Any]) -> None:
    for line in json.dumps(data, indent=2, ensure_ascii=False).split("\n"):
        sys.stdout.write((line if line.isprintable() else "".join(map(_in_json, line))) + "\n")


def _in_json(character: str) -> str:
    """Return a character of JSON text, escaped if a terminal must not get it, such as a bidi mark."""
    return character if printable(character) == character else f"\\u{ord(character):04x}"


@contextmanager
def progress(text: str, *, waits: bool = False) -> Generator[Callable[[str], None]]:
    """Show the current step: with a spinner on a terminal, elsewhere with a line per step.

    waits: whether the first line comes with the first step, because the command may refuse before that.
    """
    if not ERR.is_terminal:
        first = [text]
        if not waits:
            ERR.print(first.pop(), markup=False)

        def say(step: str) -> None:
            for line in (*first, step):
                ERR.print(line, markup=False)
            first.clear()

        yield say
        return
    with ERR.status(ERR.render_str(text)) as status:
        yield lambda step: status.update(ERR.render_str(step))


@contextmanager
def reported(format_: Format) -> Generator[None]:
    """Turn an error inside the block into one message and its exit code."""
    try:
        yield
    except _REFUSALS as error:
        raise typer.Exit(_report([error], format_, 2)) from None
    except ExceptionGroup as group:
        raise typer.Exit(_report(list(group.exceptions), format_, 2)) from None
    except ProgramFailed as error:
        raise typer.Exit(error.code) from None
    except (StartFailed, Failed) as error:
        raise typer.Exit(_report([error], format_, 1)) from None
    except ComponentError as error:
        raise typer.Exit(_report([error], format_, 2)) from None
    except KeyboardInterrupt:
        raise typer.Exit(
            _report([Refused("Interrupted: nothing half-started is left.")], format_, 2)
        ) from None
    except BrokenPipeError:  # the reader (`| head`) has enough; what is buffered for it goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _report(errors: list[Any], format_: Format, code: int) -> int:
    if format_ is Format.JSON:
        print_json({"errors": [_error_json(error) for error in errors]})
    for error in errors:
        ERR.print(Text.assemble(("Error:", "bold red"), " ", printable(str(error))))
    return code


def _error_json(error: Exception) -> dict[str, Any]:
    if isinstance(error, SettingsError):
        return {"message": str(error), "stack": error.stack, "faults": [asdict(f) for f in error.faults]}
    return {"message": str(error)}
