"""The texts on which two models are compared: one per line of a file, optionally after a label and a tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.service.faults import BadSettings


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str | None


def examples(path: Path, labels: Sequence[str]) -> list[Example]:
    """Read the texts of the file, which are labelled if the first line begins with a label and a tab.

    Raises BadSettings if it cannot be read, is empty, or a line of a labelled file has no label.
    """
    lines = [line for line in _content(path).splitlines() if line.strip()]
    if not lines:
        raise BadSettings(f"TEXTS: {path} has no text; expected one a line, or label<TAB>text.")
    if _label_of(lines[0], labels) is None:
        return [Example(line, None) for line in lines]
    found = [Example(line.partition("\t")[2], _label_of(line, labels)) for line in lines]
    for number, example in enumerate(found, start=1):
        if example.label is None or not example.text.strip():
            raise BadSettings(
                f"TEXTS: line {number} of {path} is {lines[number - 1][:60]!r}; the first line has a label, "
                f"so each must be label<TAB>text with one of {', '.join(labels)}."
            )
    return found


def _label_of(line: str, labels: Sequence[str]) -> str | None:
    label, tab, _ = line.partition("\t")
    return label if tab and label in labels else None


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadSettings(f"TEXTS: {path} cannot be read ({reason}).") from None
