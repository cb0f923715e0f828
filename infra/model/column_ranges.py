"""The ranges of a table's columns, from rows as a request has them."""

import json
import math
from collections.abc import Sequence
from typing import Any, TypeGuard

# A column with more different strings, or with rarer ones, holds no categories but names or texts: these are
# always new, and are not for a manifest that goes into an image.
MOST_VALUES = 200
LEAST_ROWS_OF_A_VALUE = 5
# A manifest has at most 1 MiB (service/manifest.py).
MOST_BYTES = 1 << 18


def ranges_of(features: Sequence[Any], rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return column -> `least` and `most`, or its `values`, as a manifest's reference has them.

    Columns of booleans have none, and past MOST_BYTES the largest are left out. A row that does not fit the
    columns gives nothing here: the server refuses it.
    """
    found: dict[str, dict[str, Any]] = {}
    for place, feature in enumerate(features):
        column: dict[str, Any] = {"name": feature} if isinstance(feature, str) else feature
        given = [_cell(row, place, column["name"]) for row in rows]
        values = [column.get("missing") if value is None else value for value in given]
        if column.get("type", "float") == "string":
            texts = {value for value in values if isinstance(value, str)}
            if 0 < len(texts) <= min(MOST_VALUES, len(values) / LEAST_ROWS_OF_A_VALUE):
                found[column["name"]] = {"values": sorted(texts)}
            continue
        if numbers := [value for value in values if _is_number(value)]:
            found[column["name"]] = {"least": min(numbers), "most": max(numbers)}
    while found and len(json.dumps(found)) > MOST_BYTES:
        del found[max(found, key=lambda name: len(json.dumps(found[name])))]
    return found


def _is_number(value: Any) -> TypeGuard[int | float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _cell(row: Any, place: int, name: str) -> Any:
    if isinstance(row, dict):
        return row.get(name)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - JSON
    return row[place] if place < len(row) else None
