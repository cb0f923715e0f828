"""Reads the text of one setting. Each function returns the value, or a reader of it, and raises ValueError
where the text is not allowed; the error's text is a nearby value that is, or empty.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Schedule:
    """Other numbers of instances from a time on. when: in the cloud's own form."""

    when: str
    least: int
    most: int
    timezone: str


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError("")
        return int(text)

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not low <= float(text) <= high:
            raise ValueError("")
        return float(text)

    return parse


def one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            near = difflib.get_close_matches(text, names, 1)
            raise ValueError(near[0] if near else "")
        return text

    return parse


def flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError({"yes": "true", "no": "false"}.get(text.lower(), text.lower()))
    return text == "true"


def like(pattern: str) -> Callable[[str], str]:
    """Text of a form, as a regular expression gives it."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError("")
        return text

    return parse


def text_map(text: str) -> Mapping[str, str]:
    """A JSON object of plain values, each as text: `100` and `"100"` are the same."""
    found = _json(text, dict)
    if any(isinstance(value, dict | list) for value in found.values()):
        raise ValueError("")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def texts(text: str) -> tuple[str, ...]:
    """A JSON array of text."""
    found = _json(text, list)
    if not all(isinstance(item, str) for item in found):
        raise ValueError("")
    return tuple(found)


def references(text: str) -> Mapping[str, str]:
    """Of a map of secrets those that are references; the others are values, which are not for this side."""
    return {name: value for name, value in text_map(text).items() if is_reference(value)}


def is_reference(text: str) -> bool:
    """Names a secret that exists in a cloud, in that cloud's own form; a target checks it closely."""
    kubernetes = r"kubernetes:[a-z0-9.-]+/[A-Za-z0-9._-]+"
    return re.fullmatch(rf"projects/\S+/secrets/\S+|arn:aws[a-z-]*:\S+|{kubernetes}", text) is not None


def schedules(text: str) -> Mapping[str, Schedule]:
    """A JSON object of `<schedule> <least>-<most> [<time zone>]`."""
    return {name: _schedule(value) for name, value in text_map(text).items()}


def _schedule(text: str) -> Schedule:
    found = re.fullmatch(r"([a-z]+\([^()]*\)) +([0-9]{1,9})-([0-9]{1,9})(?: +(\S+))?", text)
    if found is None:
        raise ValueError("cron(0 8 ? * MON-FRI *) 4-20 Europe/Berlin")
    return Schedule(found[1], int(found[2]), int(found[3]), found[4] or "UTC")


def _json(text: str, kind: type[Any]) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("") from None
    if not isinstance(found, kind):
        raise ValueError("")
    return found


def model(text: str) -> str:
    hub = r"hf:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+@[0-9a-f]{40}"
    if not re.fullmatch(rf"bundled:[a-z0-9][a-z0-9.-]*|file:[^\0\n]+|{hub}|(?:s3|gs)://\S+", text):
        raise ValueError("hf:<owner>/<name>@<commit of 40 digits>" if text.startswith("hf:") else "")
    return text


def api_key(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{16,512}", text):
        raise ValueError("")
    return text
