"""Checks the string of one setting.

Each function returns a Check, whose `parse` raises ValueError if the string is not allowed; the error's own
text is a nearby value that is allowed, or empty.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.components.api_key import ALLOWED, API_KEY
from slipway.components.model_address import ModelAddress, Source
from slipway.components.sizes import gib, quantity

_FLAGS = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}


@dataclass(frozen=True, slots=True)
class Check:
    """How the string of one setting is read.

    type: text, choice, number, integer, quantity, flag, list, map, secret or `secret map` (encrypted values
    and references). allowed: for the message. unset: the value if no string is given. show: writes a value
    as its setting would be written.
    """

    type: str
    allowed: str
    parse: Callable[[str], Any]
    unset: Any = ""
    show: Callable[[Any], str] = str


# As kubectl writes a taint.
_TAINT = re.compile(r"([^=:]+)(?:=([^=:]*))?(?::([A-Za-z]+))?")


def whole(low: int, high: int, allowed: str = "") -> Check:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise ValueError("")
        if not low <= int(text) <= high:
            raise ValueError(str(min(max(int(text), low), high)))
        return int(text)

    return Check("integer", allowed or f"{low} to {high}", parse, None)


def number(low: float, high: float) -> Check:
    def parse(text: str) -> float:
        if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text):
            raise ValueError("")
        if not low <= float(text) <= high:
            raise ValueError(f"{min(max(float(text), low), high):g}")
        return float(text)

    return Check("number", f"{low:g} to {high:.10g}", parse, None, lambda value: f"{value:.10g}")


def size(allowed: str) -> Check:
    """Check a Kubernetes quantity, read as GiB; a value in GiB is shown as a quantity again."""
    return Check("quantity", allowed, gib, None, lambda value: quantity(round(float(value) * 1024)))


def choice(*names: str, also: Mapping[str, Any] | None = None, hidden: str = "") -> Check:
    """Check for one of `names`, read as itself, or of `also`: string -> value.

    hidden: accepted, not listed.
    """
    known: dict[str, Any] = {name: name for name in names} | dict(also or {})
    texts = {str(value).lower(): text for text, value in known.items()}

    def parse(text: str) -> Any:
        if text not in known:
            near = difflib.get_close_matches(text.lower(), known, 1)
            raise ValueError(near[0] if near else "")
        return known[text]

    offered = ", ".join(text for text in known if text != hidden)
    return Check("choice", offered, parse, "", lambda value: texts.get(str(value).lower(), str(value)))


def flag() -> Check:
    def parse(text: str) -> bool:
        if text not in ("true", "false"):
            near = _FLAGS.get(text.lower(), text.lower())
            raise ValueError(near if near in ("true", "false") else "")
        return text == "true"

    return Check("flag", "true, false", parse, None, lambda value: str(value).lower())


def like(pattern: str, allowed: str) -> Check:
    """Check for a string that matches a regular expression."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            near = re.sub(r"\s+", "", text).lower()
            raise ValueError(near if near != text and re.fullmatch(pattern, near) else "")
        return text

    return Check("text", allowed, parse)


def texts(allowed: str) -> Check:
    """Check a JSON array of strings, each of them once."""

    def parse(text: str) -> tuple[str, ...]:
        return tuple(_distinct(text))

    return Check("list", allowed, parse, ())


def tolerations(allowed: str) -> Check:
    """Check a JSON array of taints, as kubectl writes them: `key`, `key:Effect`, `key=value:Effect`."""

    def parse(text: str) -> tuple[Mapping[str, str], ...]:
        found = [_TAINT.fullmatch(item) for item in _distinct(text)]
        if not all(found):
            raise ValueError("")
        return tuple(_toleration(*match.groups()) for match in found if match)

    return Check("list", allowed, parse, ())


def _distinct(text: str) -> list[str]:
    """Parse a JSON array of strings, none of them twice."""
    found = _json(text, list)
    if not all(isinstance(item, str) for item in found) or len(set(found)) < len(found):
        raise ValueError("")
    return found


def _toleration(key: str, value: str | None, effect: str | None) -> Mapping[str, str]:
    found = {"key": key, "operator": "Exists"} if value is None else {"key": key, "value": value}
    return {**found, "effect": effect} if effect else found


def text_map(allowed: str) -> Check:
    return Check("map", allowed, plain_map, {})


def plain_map(text: str) -> Mapping[str, str]:
    """Parse a JSON object of plain values, each as a string: `100` and `"100"` are the same."""
    found = _json(text, dict)
    if any(value is None or isinstance(value, dict | list) for value in found.values()):
        raise ValueError("")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def whole_map(names: Collection[str], allowed: str) -> Check:
    """Check a JSON object of some of `names` to whole numbers."""

    def parse(text: str) -> Mapping[str, int]:
        found = plain_map(text)
        for name, value in found.items():
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                raise ValueError(near[0] if near else "")
            if not re.fullmatch(r"[0-9]{1,9}", value):
                raise ValueError("")
        return {name: int(value) for name, value in found.items()}

    return Check("map", allowed, parse, {})


def number_map(allowed: str, keys: tuple[str, ...]) -> Check:
    """Check a JSON object of numbers with some of these keys; their values are checked elsewhere."""
    return Check("map", allowed, lambda text: _numbers(_json(text, dict), keys), {})


def number_maps(allowed: str, keys: tuple[str, ...]) -> Check:
    """Check a JSON object of name to such an object."""

    def parse(text: str) -> Mapping[str, Mapping[str, float]]:
        found = _json(text, dict)
        if not all(isinstance(value, dict) for value in found.values()):
            raise ValueError("")
        return {name: _numbers(value, keys) for name, value in found.items()}

    return Check("map", allowed, parse, {})


def _numbers(found: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, float]:
    for key in found:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            raise ValueError(near[0] if near else "")
    return {key: _finite(value) for key, value in found.items()}


def _finite(value: Any) -> float:
    """Return a number, which Pulumi keeps as a string where a map of a stack's file has a decimal point."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("")
    try:
        number = float(value)
    except (ValueError, OverflowError):  # a whole number of JSON has any number of digits
        raise ValueError("") from None
    if not math.isfinite(number):
        raise ValueError("")
    return number


def references(allowed: str) -> Check:
    """Return the references of a map of secrets; its other values are secret and handled elsewhere."""

    def parse(text: str) -> Mapping[str, str]:
        return {name: value for name, value in plain_map(text).items() if is_reference(value)}

    return Check("secret map", allowed, parse, {})


def is_reference(text: str) -> bool:
    """Return whether the string refers to a cloud's secret in its own form; a target checks it closely."""
    kubernetes = r"kubernetes:[a-z0-9.-]+/[A-Za-z0-9._-]+"
    return re.fullmatch(rf"projects/\S+/secrets/\S+|arn:aws[a-z-]*:\S+|{kubernetes}", text) is not None


def schedules(allowed: str) -> Check:
    """Check a JSON object of name to `<schedule> <least>-<most> [<time zone>]`, as for `schedules`."""

    def parse(text: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(_schedule(name, value) for name, value in sorted(plain_map(text).items()))

    return Check("map", allowed, parse, ())


def _schedule(name: str, text: str) -> Mapping[str, Any]:
    found = re.fullmatch(r"([a-z]+\([^()]*\)) +([0-9]{1,9})-([0-9]{1,9})(?: +(\S+))?", text)
    if found is None:
        raise ValueError("cron(0 8 ? * MON-FRI *) 4-20 Europe/Berlin")
    return {
        "name": name,
        "schedule": found[1],
        "timezone": found[4] or "UTC",
        "min_replicas": int(found[2]),
        "max_replicas": int(found[3]),
    }


def model(allowed: str) -> Check:
    def parse(text: str) -> str:
        address = ModelAddress.parse(text)
        if not address.is_valid:
            raise ValueError(
                "hf:<owner>/<name>@<commit of 40 digits>" if address.source is Source.HUB else ""
            )
        return text

    return Check("text", allowed, parse)


def api_key() -> Check:
    def parse(text: str) -> str:
        if not API_KEY.fullmatch(text):
            raise ValueError("")
        return text

    return Check("secret", ALLOWED, parse)


def _json(text: str, kind: type[Any]) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("") from None
    if not isinstance(found, kind):
        raise ValueError("")
    return found
