"""Makes a model folder of a converted table model, if it answers as the original does.

`tables.worker` ran the code of a pickle, so what it wrote is not trusted: it is read as data, and the graph
is run as the server runs it.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slipway.service.backends.onnx import OnnxModel
from slipway.service.backends.onnx_graph import read_graph
from slipway.service.faults import BadModel, BadSettings
from slipway.service.manifest import MODEL_FILE

from ..importing.card import UNKNOWN
from .missing_values import MissingValue, missing_in, words_of
from .options import Options
from .report import Report, served, write_manifest
from .table_answers import TOLERANCE, Floats, answers_of, apart_of

FACTS_FILE = "table.json"


def make(converted: Path, made: Path, options: Options) -> Report:
    """Fill the folder `made`. Raises BadModel if the answers differ or the server does not take the model."""
    facts: dict[str, Any] = json.loads((converted / FACTS_FILE).read_bytes())
    _require_task(options)
    labels = _labels(facts["labels"], options)
    graph = read_graph(converted, MODEL_FILE)
    if graph.external_files:
        raise BadModel(f"the converted graph keeps weights in {sorted(graph.external_files)[0]!r}.")
    model = OnnxModel(converted / MODEL_FILE)
    missing = missing_in(model, facts)
    rows, answers = _comparable(facts, missing)
    difference = _require_same(model, facts, rows, answers)
    shutil.copyfile(converted / MODEL_FILE, made / MODEL_FILE)
    features, example = _features(facts, missing)
    keys = {
        "task": "tabular",
        "features": features,
        **({"labels": labels} if labels else {}),
        **({"example": example} if example else {}),
        "license": UNKNOWN,
        **({"precision": graph.precision} if graph.precision else {}),
        "conversion": {
            **{str(name): str(text) for name, text in facts["versions"].items()},
            "rows_compared": len(rows),
            "max_difference": round(difference, 9),
        },
    }
    write_manifest(made, keys)
    served(made)
    return _report(facts, labels, len(rows), difference, missing)


def _require_task(options: Options) -> None:
    if options.task not in (None, "tabular"):
        raise BadSettings(f"--task: got {options.task!r}; allowed: 'tabular', as the model is over a table.")
    for name, given in (("--max-tokens", options.max_tokens), ("--pooling", options.pooling)):
        if given is not None:
            raise BadSettings(f"{name}: got {given!r}; allowed: nothing for a model over a table.")


def _labels(known: Sequence[Any], options: Options) -> list[str]:
    labels = [str(label) for label in known]
    if not options.labels:
        return labels
    if len(options.labels) != len(labels):
        kind = f"has {len(labels)} outputs" if labels else "is a regressor, without labels"
        raise BadSettings(f"--labels: got {len(options.labels)} labels; the model {kind}.")
    return list(options.labels)


def _comparable(facts: Mapping[str, Any], missing: Sequence[MissingValue]) -> tuple[list[list[Any]], Floats]:
    """Return the rows as the graph is given them, and the original's answers; what it refuses is left out."""
    pairs = [
        ([each.in_graph(value) for value, each in zip(row, missing, strict=True)], answer)
        for row, answer in zip(facts["rows"], facts["answers"], strict=True)
        if all(value is not None or each.is_taken for value, each in zip(row, missing, strict=True))
    ]
    if not pairs:
        raise BadModel("no row is left to compare the answers on: each has a missing value that is refused.")
    return [row for row, _ in pairs], np.array([answer for _, answer in pairs], np.float64)


def _require_same(
    model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]], answers: Floats
) -> float:
    """Return the largest difference. Raises BadModel if one is too large, naming its row."""
    ours = answers_of(model, facts, rows)
    apart = apart_of(ours, answers, facts)
    worst = int(np.nan_to_num(apart, nan=np.inf).argmax())
    if not apart[worst] <= TOLERANCE:
        names = [str(column["name"]) for column in facts["columns"]]
        row = ", ".join(f"{name}={value}" for name, value in zip(names, rows[worst], strict=True))
        raise BadModel(
            f"{facts['words']}: converted to ONNX it answers {ours[worst].tolist()[:5]}, the original "
            f"{answers[worst].tolist()[:5]}, for {row[:400]}; they differ by {apart[worst]:.2g}, allowed is "
            f"{TOLERANCE:g}. {_advice(facts)}"
        )
    return float(apart[worst])


def _advice(facts: Mapping[str, Any]) -> str:
    if facts["given"]:
        return (
            "The graph computes in float32, which has 7 digits: scale large numbers before they are sent, or "
            "train on rounded ones."
        )
    return "These rows are made up; if none like them is ever sent, give real ones: --examples rows.csv."


def _features(facts: Mapping[str, Any], missing: Sequence[MissingValue]) -> tuple[list[Any], list[Any]]:
    """Return the manifest's columns, and a row to try; none if each row has a missing value.

    A column is its name alone if it has numbers of 32 bits, some missing, else an object; `values` are there
    if the model takes no others.
    """
    whole: list[list[Any]] = [list(row) for row in facts["rows"] if None not in row]
    columns = [_feature(column, each) for column, each in zip(facts["columns"], missing, strict=True)]
    return columns, whole[0] if whole else []


def _feature(column: Mapping[str, Any], missing: MissingValue) -> str | dict[str, Any]:
    feature: dict[str, Any] = {"name": str(column["name"]), "type": column["type"]}
    feature |= {"values": column["values"]} if column["closed"] else {}
    feature |= missing.manifest_keys
    is_plain = column["type"] == "float" and feature.keys() == {"name", "type"}
    return str(column["name"]) if is_plain else feature


def _report(
    facts: Mapping[str, Any],
    labels: Sequence[str],
    compared: int,
    difference: float,
    missing: Sequence[MissingValue],
) -> Report:
    columns = ", ".join(f"{column['name']} ({column['type']})" for column in facts["columns"][:12])
    what = f"{len(labels)} labels ({', '.join(labels[:10])})" if labels else "a value"
    report = Report(difference=difference, tolerance=TOLERANCE)
    versions = ", ".join(f"{name} {text}" for name, text in facts["versions"].items())
    report.found.append(f"{facts['words']}, converted with {versions}; it gives {what}")
    report.found.append(
        f"{len(facts['columns'])} columns: {columns}{'' if len(facts['columns']) <= 12 else ', …'}"
    )
    report.found.extend(words_of(missing))
    source = "given" if facts["given"] else "made-up"
    report.found.append(f"compared with the original on {compared} {source} rows")
    report.assumed.extend([*map(str, facts["assumed"]), "license unknown: put it into manifest.json"])
    return report
