"""Asks a cloud through its own command-line program, with the person's own login."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, cast

from slipway.infra.errors import Failed, Refused

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Command:
    """A cloud's command-line program. missing: a sentence on what to do if it is not on PATH."""

    name: str
    missing: str

    @property
    def path(self) -> str:
        """Raises Refused where it is not on PATH."""
        found = shutil.which(self.name)
        if found is None:
            raise Refused(self.missing)
        return found

    def __call__(
        self, arguments: list[str], given: str | None = None, seconds: float = _TIMEOUT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run it. given: its standard input. Raises Refused where it is missing, Failed without an answer."""
        try:
            return subprocess.run(
                [self.path, *arguments],
                input=given,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not answer within {seconds:g} s.") from None

    def said(self, done: subprocess.CompletedProcess[str]) -> str:
        """Return the command's own error message as one line."""
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        return f"{self.name} says: " + (" ".join(lines[:3]) or f"nothing (exit code {done.returncode}).")

    def object_of(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise Failed(f"{self.name} did not answer with a JSON object. Is it up to date?")
        return cast("dict[str, Any]", found)


def at(value: Any, *path: str | int) -> dict[str, Any]:
    """Return the object at `path`; an empty one if it is missing."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
