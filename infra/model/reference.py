"""`slipway model reference`: writes down what a model predicts for data like that of its use.

The server itself counts, so that its reference and what it later compares with it cannot differ in how.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway.components.model import ModelFolder
from slipway.components.spec import ROUTES
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.column_ranges import ranges_of
from slipway.infra.model.fit import write_manifest
from slipway.infra.model.measured_server import MeasuredServer, all_memory_mib

# Below, chance decides what a reference says of a class of a few percent.
LEAST = 200
# The server counts so many of one call, and takes 2 MiB.
MOST_OF_A_CALL, MOST_CHARACTERS_OF_A_CALL, MOST_CHARACTERS = 100, 300_000, 20_000
# service/quality/quality.py
RANGE = "range"
FIELDS = {"classify": "text", "embed": "text", "tabular": "features"}


@dataclass(frozen=True, slots=True)
class ReferenceCounts:
    """What was counted. signals: name -> counts over the server's bins. columns: name -> range."""

    predictions: int
    signals: dict[str, list[int]]
    columns: dict[str, dict[str, Any]]


def counted(model: ModelFolder, data: Path, say: Callable[[str], None]) -> ReferenceCounts:
    """Have the model predict for each line of `data`. Raises Refused or Failed."""
    task = model.manifest["task"]
    if task not in FIELDS:
        raise Refused(f"The task of this model is {task}; a reference is for {', '.join(FIELDS)}.")
    items = _items(data, task)
    giving = items[::2]  # the other half shows how often a value lies outside by chance
    columns = ranges_of(model.manifest["features"], giving) if task == "tabular" else {}
    with _with_ranges(model, columns) as ranged, MeasuredServer(ranged, 1, all_memory_mib()) as server:
        say("Starting the model")
        server.start()
        for done, call in _calls(items):
            say(f"{done} of {len(items)} predicted")
            body = {FIELDS[task]: call} | ({} if task == "tabular" else {"truncate": True})
            status, answer = server.ask("POST", ROUTES[task], body)
            if status != 200:
                raise Failed(f"The model refused lines before {data}:{done + 1}: {answer.get('detail')}.")
        _, found = server.ask("GET", "/quality")
    signals = {name: signal["counts"] for name, signal in found["signals"].items()}
    if RANGE in signals:
        inside, outside = signals[RANGE]
        signals[RANGE] = [inside - len(giving), outside]
    return ReferenceCounts(found["predictions"], signals, columns)


@contextmanager
def _with_ranges(model: ModelFolder, columns: dict[str, Any]) -> Generator[ModelFolder]:
    """Yield the model, or a copy whose manifest has these ranges."""
    if not columns:
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="slipway-reference-") as folder:
        copy = replace(model, location=Path(folder) / "model")
        shutil.copytree(model.location, copy.location)
        write_manifest(copy, dict(model.manifest) | {"reference": {"signals": {}, "columns": columns}})
        yield copy


def write_reference(model: ModelFolder, reference: ReferenceCounts) -> None:
    """Put the counts into the model's manifest, whole or not at all."""
    written: dict[str, Any] = {"signals": reference.signals}
    if reference.columns:
        written["columns"] = reference.columns
    write_manifest(model, dict(model.manifest) | {"reference": written})


def require_data(data: Path, name: str) -> list[str]:
    """Return the lines with something in them. Raises Refused, which calls the file `name`."""
    try:
        lines = [line for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(f"{name} is {data}, which cannot be read: {reason}.") from None
    if len(lines) < LEAST:
        raise Refused(f"{data} has {len(lines)} lines with something in them; a reference needs {LEAST}.")
    return lines


def _items(data: Path, task: str) -> list[Any]:
    lines = require_data(data, "DATA")
    if task != "tabular":  # of a line with a label, as `slipway model check` takes it, the text
        return [(line.partition("\t")[2] or line)[:MOST_CHARACTERS] for line in lines]
    return [_row(line, f"{data}:{number}") for number, line in enumerate(lines, start=1)]


def _row(line: str, place: str) -> Any:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, list | dict):
        raise Refused(f"{place}: this is no row; give one JSON array or object per line.")
    return row  # pyright: ignore[reportUnknownVariableType] - the server says what is wrong with it


def _calls(items: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    """Yield calls of as many items as the server counts and takes, with the number up to their end."""
    call, size = list[Any](), 0
    for number, item in enumerate(items):
        if call and (len(call) == MOST_OF_A_CALL or size + len(str(item)) > MOST_CHARACTERS_OF_A_CALL):
            yield number, call
            call, size = [], 0
        call.append(item)
        size += len(str(item))
    yield len(items), call
