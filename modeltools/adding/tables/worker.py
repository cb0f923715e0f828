"""Opens and converts one model: `python -m slipway.modeltools.adding.tables.worker KIND SOURCE FOLDER`.

Its caller confines it: it reads SOURCE and writes FOLDER, which gets `model.onnx` and `table.json`: columns,
labels, rows and the original's answers to them. Exit code 2 and a sentence: refused.
"""

import argparse
import contextlib
import json
import math
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from slipway.service.faults import BadModel, StartFault

from ..pickles import CONVERTERS
from .examples import given_rows
from .frames import is_closed, made_rows, rows_without
from .original import Original, Value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind")
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--examples", type=Path)
    arguments = parser.parse_args()
    try:
        # What a pickle's code and the libraries print is not this program's answer.
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            _convert(arguments)
    except StartFault as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


def _convert(arguments: argparse.Namespace) -> None:
    original = _loaded(arguments.kind, arguments.source)
    is_given = arguments.examples is not None
    rows = given_rows(arguments.examples, original.columns) if is_given else made_rows(original.columns)
    kept, answers = _answered(original, rows)
    without = [_without(original, place, kept) for place in range(len(original.columns))]
    try:
        graph = original.convert()
    except Exception as error:  # the converters raise many kinds
        raise BadModel(
            f"{arguments.source}: {original.words} cannot become ONNX: {_first_line(error)} Supported are "
            "the estimators in https://onnx.ai/sklearn-onnx/supported.html; replace the step, or do it "
            "before the request."
        ) from None
    (arguments.folder / "model.onnx").write_bytes(graph)
    facts = {
        "words": original.words,
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "values": column.values,
                "closed": is_closed(column, [row[place] for row in kept]),
                "fill": column.fill,
                "without": without[place],
            }
            for place, column in enumerate(original.columns)
        ],
        "labels": original.labels,
        "rows": kept,
        "answers": answers,
        "given": is_given,
        "versions": original.versions,
        "assumed": original.assumed,
    }
    (arguments.folder / "table.json").write_text(json.dumps(facts, default=str))


def _loaded(kind: str, source: Path) -> Original:
    """Open the model. Raises BadModel, also where the interpreter lacks what converts it."""
    package = f"{str(__package__).rpartition('.')[0]}.kinds"
    try:
        return import_module(f"{package}.{kind}").load(source)
    except ModuleNotFoundError as error:
        raise BadModel(
            f"{sys.executable} has no module {error.name!r}, which the conversion needs: {sys.executable} -m "
            f"pip install {CONVERTERS}, and again."
        ) from None


def _without(original: Original, place: int, rows: Sequence[Sequence[Value]]) -> dict[str, Any]:
    """Return rows without the value of a column, and the original's answers to them; none if it refuses."""
    odd = rows_without(place, rows)
    if original.columns[place].type != "bool":  # a column of booleans cannot hold a missing one
        # A library says in many ways that it takes no missing value.
        with contextlib.suppress(Exception):
            answers = [np.asarray(original.predict([row]), np.float64).ravel() for row in odd]
            if all(np.isfinite(answer).all() for answer in answers):
                return {"rows": odd, "answers": [answer.tolist() for answer in answers]}
    return {"rows": [], "answers": []}


def _answered(original: Original, rows: Sequence[Sequence[Value]]) -> tuple[list[Any], list[list[float]]]:
    """Return the rows that the original answers, and its answers: numbers, as many as there are labels."""
    kept, answers, last = list[Any](), list[list[float]](), "it gives no finite number"
    for row in rows:
        try:
            answer = np.asarray(original.predict([row]), np.float64).ravel()
        except Exception as error:  # such as for a missing value, or an unknown category
            last = _first_line(error)
            continue
        if len(answer) != max(1, len(original.labels)):
            raise BadModel(
                f"{original.words} answers a row with {len(answer)} numbers; served is one value, or one "
                "probability for each label. Save a model for each of its targets."
            )
        if all(map(math.isfinite, answer)):
            kept.append(list(row))
            answers.append(answer.tolist())
    if not kept:
        raise BadModel(
            f"{original.words} answers none of {len(rows)} rows that were made up from what it says of its "
            f"columns: {last} Give rows as a CSV file with the columns' names: --examples rows.csv."
        )
    return kept, answers


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    return line if line.endswith(".") else f"{line}."


if __name__ == "__main__":
    sys.exit(main())
