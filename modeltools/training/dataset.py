"""The data file: one message per line, `label<TAB>text`, UTF-8. Reads it and refuses a faulty one."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LABELS = ("ham", "spam")
SHOWN_FAULTS = 5


class DataFileError(Exception):
    """The data file is missing, unreadable or not in the format that this package reads."""


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """One message. label: index into `LABELS`."""

    label: int
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The distinct messages of a file, in its order. lines: how many messages the file holds."""

    messages: tuple[LabelledMessage, ...]
    lines: int
    sha256: str


def read_dataset(path: Path) -> Dataset:
    """Read a data file. Raises DataFileError, with the first faulty lines, if it is not usable."""
    if not path.is_file():
        raise DataFileError(
            f"--data is {path}, which is not a file; expected the SMS Spam Collection v.1, `label<TAB>text`"
        )
    content = path.read_bytes()
    try:
        # Not `splitlines`: texts hold other characters that it takes for line ends.
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path}: byte {error.start} is not UTF-8; expected a UTF-8 text file") from error
    messages = _distinct(_parsed(path, lines), path)
    _check_labels(path, messages)
    return Dataset(messages, len(lines), hashlib.sha256(content).hexdigest())


def _parsed(path: Path, lines: list[str]) -> list[LabelledMessage]:
    messages: list[LabelledMessage] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        label, tab, text = line.removesuffix("\r").partition("\t")
        if label in LABELS and tab and text.strip():
            messages.append(LabelledMessage(LABELS.index(label), text))
        else:
            faults.append(f"{path}:{number}: got {line[:40]!r}; expected ham or spam, a tab and a text")
    if faults:
        more = [f"and {len(faults) - SHOWN_FAULTS} more"] if len(faults) > SHOWN_FAULTS else []
        raise DataFileError("\n".join(faults[:SHOWN_FAULTS] + more))
    return messages


def _distinct(messages: Iterable[LabelledMessage], path: Path) -> tuple[LabelledMessage, ...]:
    first: dict[str, LabelledMessage] = {}
    for message in messages:
        if first.setdefault(message.text, message).label != message.label:
            raise DataFileError(
                f"{path}: {message.text[:40]!r} is both ham and spam; expected one label a text"
            )
    return tuple(first.values())


def _check_labels(path: Path, messages: tuple[LabelledMessage, ...]) -> None:
    for index, label in enumerate(LABELS):
        if not any(message.label == index for message in messages):
            raise DataFileError(
                f"{path}: no message is labelled {label}; expected both {' and '.join(LABELS)}"
            )
