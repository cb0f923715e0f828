"""What the caller says of a model that its files do not, as the command's options."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """None, or nothing: as the files say. examples: a file with texts, one per line, or a table as CSV."""

    task: str | None = None
    labels: tuple[str, ...] = ()
    max_tokens: int | None = None
    pooling: str | None = None
    examples: Path | None = None
