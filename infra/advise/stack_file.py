"""Writes the stack file of a recommendation: checked like any other, and never over an existing file."""

import json
import re
from datetime import date
from pathlib import Path

from slipway.infra.advise.choose import Advice
from slipway.infra.errors import Refused
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.reading import settings_of
from slipway.infra.settings.stackfile import project_name

# Pulumi allows these in a stack's name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def stack_path(root: Path, name: str) -> Path:
    """Return the file's path. Raises Refused for an invalid stack name, and for a file that exists."""
    if not _NAME.fullmatch(name):
        raise Refused(
            f"--write got {name!r}; a stack's name has 1 to 100 letters, digits, `-`, `_` "
            "and `.`, and begins with a letter or digit."
        )
    path = root / f"Pulumi.{name}.yaml"
    if path.exists():
        raise Refused(f"{path.name} already exists; not overwritten. Choose another name.")
    return path


def settings_of_advice(advice: Advice) -> dict[str, str]:
    """Return every setting of the stack, including the assumed use and the budget."""
    question, settings = advice.question, dict(advice.best.offer.settings)
    seconds = question.gpu_seconds if "gpu" in settings else question.cpu_seconds
    usage = {"requests": _plain(round(question.requests)), "hours": _plain(question.hours)}
    if seconds is not None and not (question.measured and "gpu" not in settings):
        usage["requestSeconds"] = _plain(seconds)
    settings["usage"] = json.dumps(usage)
    if question.budget_usd is not None:
        settings["budget"] = f"{question.budget_usd:g}"
    return settings


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def written(root: Path, name: str, advice: Advice, today: date) -> Path:
    """Write the stack file. Raises Refused, before anything is written, if the settings are not allowed."""
    path = stack_path(root, name)
    settings = settings_of_advice(advice)
    try:
        settings_of(name, settings)
    except SettingsError as error:
        raise Refused(f"The recommended settings are not allowed here: {error}") from None
    text = _text(project_name(root), settings, advice, today)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{path.name} already exists; not overwritten. Choose another name.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None
    return path


def _text(project: str, settings: dict[str, str], advice: Advice, today: date) -> str:
    best = advice.best
    lines = [
        f"# {best.offer.name}: advised on {today.isoformat()} for {advice.question.rps:g} requests/s, "
        f"{advice.question.hours:g} h a day;",
        f"# about {best.expected} a month. `slipway cost` computes it again.",
        "config:",
    ]
    for key, value in settings.items():
        if key == "usage":
            lines.append(f"  {project}:usage:")
            lines += [f'    {name}: "{number}"' for name, number in json.loads(value).items()]
        else:
            comment = " # yours: the project's ID" if value == "my-project" else ""
            lines.append(f"  {project}:{key}: {json.dumps(value)}{comment}")
    return "\n".join(lines) + "\n"
