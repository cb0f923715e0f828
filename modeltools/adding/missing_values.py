"""Decides what null stands for in each column of a table: what the original makes of a row without it.

`tables.worker` left such rows in the facts, with the original's answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.service.backends.onnx import OnnxModel

from .table_answers import TOLERANCE, answers_of, apart_of

_MOST_CANDIDATES, _MOST_NAMES_SHOWN = 200, 12


@dataclass(frozen=True, slots=True)
class MissingValue:
    """What null is in one column. value: what it stands for; None: NaN in a float, nothing in other types.

    is_unlike: the original takes it, and no value makes the graph answer as it does.
    """

    name: str
    type: str
    is_taken: bool
    value: Any = None
    is_unlike: bool = False

    @property
    def in_words(self) -> str:
        return self.name if self.value is None else f"{self.name} (as {self.value!r})"

    @property
    def manifest_keys(self) -> dict[str, Any]:
        """Return the key `missing` of the column; nothing where the server's own rule is right."""
        if self.type == "float":
            return {} if self.is_taken else {"missing": False}
        return {"missing": self.value} if self.is_taken else {}

    def in_graph(self, value: Any) -> Any:
        """Return what the graph is given for a value of a row, which may be missing."""
        return (np.nan if self.type == "float" else self.value) if value is None else value


def missing_in(model: OnnxModel, facts: Mapping[str, Any]) -> list[MissingValue]:
    """Return for each column what null is there."""
    return [_missing(model, facts, place) for place in range(len(facts["columns"]))]


def words_of(columns: Sequence[MissingValue]) -> Iterator[str]:
    """Yield sentences for people on the columns that take null, and on those that refuse it."""
    if taken := [each.in_words for each in columns if each.is_taken]:
        yield f"null is a missing value in {_listed(taken)}"
    if refused := [each.name for each in columns if not each.is_taken and not each.is_unlike]:
        yield f"null is refused in {_listed(refused)}, as the original refuses a missing value there"
    if unlike := [each.name for each in columns if each.is_unlike]:
        yield f"null is refused in {_listed(unlike)}, because the graph would answer unlike the original"


def _missing(model: OnnxModel, facts: Mapping[str, Any], place: int) -> MissingValue:
    column = facts["columns"][place]
    name, kind, without = str(column["name"]), str(column["type"]), column["without"]
    if not without["rows"]:
        return MissingValue(name, kind, is_taken=False)
    candidates = [np.nan] if kind == "float" else _candidates(column)
    rows = [[*row[:place], value, *row[place + 1 :]] for value in candidates for row in without["rows"]]
    expected = np.array(without["answers"] * len(candidates), np.float64)
    apart = apart_of(answers_of(model, facts, rows), expected, facts).reshape(len(candidates), -1)
    same = [value for value, far in zip(candidates, apart, strict=True) if (far <= TOLERANCE).all()]
    if not same:
        return MissingValue(name, kind, is_taken=False, is_unlike=True)
    return MissingValue(name, kind, is_taken=True, value=None if kind == "float" else same[0])


def _candidates(column: Mapping[str, Any]) -> list[Any]:
    """Return what null may stand for: what an imputer fills in, no category at all, or a known one."""
    first = [column["fill"]] if column["fill"] is not None else []
    empty = [""] if column["type"] == "string" and not column["closed"] else []
    return list(dict.fromkeys([*first, *empty, *column["values"][:_MOST_CANDIDATES]]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES_SHOWN]) + (", …" if len(names) > _MOST_NAMES_SHOWN else "")
