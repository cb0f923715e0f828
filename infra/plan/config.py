"""The configuration that a program is run with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Stands for a value that only the engine can decrypt; the program turns it into a secret unknown.
ENCRYPTED = "\0encrypted"


@dataclass(frozen=True, slots=True)
class StackConfig:
    """One stack's configuration: full key (`slipway:memory`) -> text, and where each came from.

    twice: keys that a file has twice, and the file. environments: Pulumi environments that the stack imports,
    whose values are not here.
    """

    project: str
    stack: str
    values: Mapping[str, str]
    secret_keys: frozenset[str]
    where: Mapping[str, str]
    twice: tuple[tuple[str, str], ...] = ()
    environments: tuple[str, ...] = ()

    @property
    def run_folder(self) -> Path:
        """Where a local stack's state, log and records are: LocalService's default, from the project."""
        return Path(".slipway") / f"{self.project}-{self.stack}"
