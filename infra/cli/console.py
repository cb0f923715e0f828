"""How the command speaks: results on standard output, progress and errors on standard error, exit codes.

0 done; 1 the operation failed; 2 refused: bad input, a state that does not allow it, or interrupted.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import Any

import typer
from rich.console import Console

from slipway.components.local.process import OwnedByOther, PortTaken, StartFailed
from slipway.components.local.record import RecordError
from slipway.infra.errors import Failed, Refused
from slipway.infra.settings.checked import SettingsError

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)
_REFUSALS = (Refused, RecordError, OwnedByOther, PortTaken)


class Format(StrEnum):
    """How a command reports: for people, or for programs."""

    TEXT = "text"
    JSON = "json"


class PreviewFormat(StrEnum):
    """How a preview is shown: also as a comment of a pull request, and as a page."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


def print_json(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def progress(text: str) -> Generator[Callable[[str], None]]:
    """What is being done now: a spinner on a terminal, elsewhere a line for each step."""
    if not ERR.is_terminal:
        ERR.print(text, markup=False)
        yield lambda step: ERR.print(step, markup=False)
        return
    with ERR.status(text) as status:
        yield status.update


@contextmanager
def reported(format_: Format) -> Generator[None]:
    """Turn what goes wrong inside into one message and the exit code it stands for."""
    try:
        yield
    except _REFUSALS as error:
        raise typer.Exit(_report([error], format_, 2)) from None
    except ExceptionGroup as group:
        raise typer.Exit(_report(list(group.exceptions), format_, 2)) from None
    except (StartFailed, Failed) as error:
        raise typer.Exit(_report([error], format_, 1)) from None
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
        ERR.print(f"[bold red]Error:[/] {_plain(str(error))}")
    return code


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def _error_json(error: Exception) -> dict[str, Any]:
    if isinstance(error, SettingsError):
        return {"message": str(error), "stack": error.stack, "faults": [asdict(f) for f in error.faults]}
    return {"message": str(error)}
