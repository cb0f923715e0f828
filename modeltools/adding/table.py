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
from numpy.typing import NDArray

from slipway.service.backends.onnx import OnnxModel, Port
from slipway.service.backends.onnx_graph import read_graph
from slipway.service.faults import BadModel, BadSettings
from slipway.service.manifest import MODEL_FILE

from ..importing.card import UNKNOWN
from .options import Options
from .report import Report, served, write_manifest

FACTS_FILE = "table.json"
TOLERANCE = 1e-4
"""The most that a probability may differ, or a value as a part of the largest: float32 rounds to 1e-7."""
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
Floats = NDArray[np.float64]


def make(converted: Path, made: Path, options: Options) -> Report:
    """Fill the folder `made`. Raises BadModel if the answers differ or the server does not take the model."""
    facts: dict[str, Any] = json.loads((converted / FACTS_FILE).read_bytes())
    _require_task(options)
    labels = _labels(facts["labels"], options)
    graph = read_graph(converted, MODEL_FILE)
    if graph.external_files:
        raise BadModel(f"the converted graph keeps weights in {sorted(graph.external_files)[0]!r}.")
    model = OnnxModel(converted / MODEL_FILE)
    rows, answers = _comparable(facts)
    unlike = _unlike_without_a_number(model, facts, rows, answers)
    kept = [place for place, row in enumerate(rows) if not any(row[column] is None for column in unlike)]
    rows, answers = [rows[place] for place in kept], answers[kept]
    difference = _require_same(model, facts, rows, answers)
    shutil.copyfile(converted / MODEL_FILE, made / MODEL_FILE)
    features, example = _features(facts)
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
    return _report(facts, labels, len(rows), difference, unlike)


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


def _comparable(facts: Mapping[str, Any]) -> tuple[list[list[Any]], Floats]:
    """Return the rows that a graph can be given, which has no missing value but NaN, and their answers."""
    types = [column["type"] for column in facts["columns"]]
    pairs = [
        (row, answer)
        for row, answer in zip(facts["rows"], facts["answers"], strict=True)
        if all(value is not None or kind == "float" for value, kind in zip(row, types, strict=True))
    ]
    if not pairs:
        raise BadModel("no row without a missing string or whole number is left to compare the answers on.")
    return [row for row, _ in pairs], np.array([answer for _, answer in pairs], np.float64)


def _unlike_without_a_number(
    model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]], answers: Floats
) -> list[int]:
    """Return the columns in which a missing number, in a made-up row, is answered unlike by the original.

    scikit-learn's trees take one that they never saw in training, and their graphs take another branch.
    """
    if facts["given"] or not any(None in row for row in rows):
        return []
    apart = _apart(_answers(model, facts, rows), answers, facts)
    return sorted(
        {
            row.index(None)
            for row, far in zip(rows, apart, strict=True)
            if None in row and not far <= TOLERANCE
        }
    )


def _apart(ours: Floats, answers: Floats, facts: Mapping[str, Any]) -> Floats:
    """Return how far apart the answers to each row are; of values, in parts of the largest."""
    if ours.shape != answers.shape:
        raise BadModel(f"the graph answers with {list(ours.shape)}; the original with {list(answers.shape)}.")
    apart = np.abs(ours - answers).max(axis=1)
    return apart if facts["labels"] else apart / max(float(np.abs(answers).max()), 1e-30)


def _require_same(
    model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]], answers: Floats
) -> float:
    """Return the largest difference. Raises BadModel if one is too large, naming its row."""
    ours = _answers(model, facts, rows)
    apart = _apart(ours, answers, facts)
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


def _answers(model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> Floats:
    read = [name for name, port in model.outputs.items() if port.type in ("tensor(float)", "tensor(double)")]
    if len(read) != 1:
        raise BadModel(
            f"the converted graph has the outputs {', '.join(model.outputs)}; one must be numbers."
        )
    try:
        found = model.run(read, _feed(model, facts, rows))[0]
    except Exception as error:  # its error classes share no base that is public
        raise BadModel(f"the converted graph fails on the rows: {str(error).strip()[:300]}") from None
    return np.asarray(found, np.float64).reshape(len(rows), -1)


def _feed(
    model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the rows as the graph takes them: all columns in one input, or an input for each."""
    columns = facts["columns"]
    if len(model.inputs) == 1 and len(columns) > 1:
        [(name, port)] = model.inputs.items()
        return {name: _filled(rows, port)}
    if len(model.inputs) != len(columns):
        raise BadModel(f"the converted graph has {len(model.inputs)} inputs for {len(columns)} columns.")
    return {
        name: _filled([[row[place]] for row in rows], port)
        for place, (name, port) in enumerate(model.inputs.items())
    }


def _filled(rows: Sequence[Sequence[Any]], port: Port) -> NDArray[Any]:
    kind = _DTYPES.get(port.type)
    if kind is None:
        raise BadModel(f"the converted graph has an input of {port.type}; allowed are {', '.join(_DTYPES)}.")
    return np.array([[np.nan if value is None else value for value in row] for row in rows], kind)


def _features(facts: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the manifest's columns, and a row to try; none if each row has a missing value.

    A column is its name alone if all are numbers of 32 bits, else an object with name and type; `values` are
    there if the model takes no others.
    """
    columns = facts["columns"]
    whole: list[list[Any]] = [list(row) for row in facts["rows"] if None not in row]
    example = whole[0] if whole else list[Any]()
    if all(column["type"] == "float" for column in columns):
        return [str(column["name"]) for column in columns], example
    return [_feature(column) for column in columns], example


def _feature(column: Mapping[str, Any]) -> dict[str, Any]:
    feature: dict[str, Any] = {"name": str(column["name"]), "type": column["type"]}
    return feature | {"values": column["values"]} if column["closed"] else feature


def _report(
    facts: Mapping[str, Any], labels: Sequence[str], compared: int, difference: float, unlike: Sequence[int]
) -> Report:
    columns = ", ".join(f"{column['name']} ({column['type']})" for column in facts["columns"][:12])
    missing = [
        column["name"]
        for place, column in enumerate(facts["columns"])
        if place not in unlike and any(row[place] is None for row in facts["rows"])
    ]
    what = f"{len(labels)} labels ({', '.join(labels[:10])})" if labels else "a value"
    report = Report(difference=difference, tolerance=TOLERANCE)
    versions = ", ".join(f"{name} {text}" for name, text in facts["versions"].items())
    report.found.append(f"{facts['words']}, converted with {versions}; it gives {what}")
    report.found.append(
        f"{len(facts['columns'])} columns: {columns}{'' if len(facts['columns']) <= 12 else ', …'}"
    )
    if missing:
        report.found.append(f"a missing number is taken in {', '.join(missing[:12])}")
    source = "given" if facts["given"] else "made-up"
    report.found.append(f"compared with the original on {compared} {source} rows")
    if unlike:
        names = ", ".join(str(facts["columns"][place]["name"]) for place in unlike[:12])
        report.assumed.append(f"no request leaves out {names}: the graph would answer unlike the original")
    report.assumed.extend([*map(str, facts["assumed"]), "license unknown: put it into manifest.json"])
    return report
