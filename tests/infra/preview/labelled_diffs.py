"""Reads the labelled changes of stack files, labelled_diffs.yaml."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

_READ: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())


class Diff(NamedTuple):
    """One change of one stack file. before, after: its settings. label: safe, look or dangerous."""

    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    label: str


def labelled(part: str) -> list[Diff]:
    """Return the changes of one part, `rules-unread` or `rules-mended`."""
    return [_diff(row) for row in _READ[part]]


def _diff(row: dict[str, Any]) -> Diff:
    before = {**_READ["bases"][row["base"]], **row.get("before", {})}
    return Diff(row["name"], _given(before), _given({**before, **row["change"]}), row["label"])


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}
