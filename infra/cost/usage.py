"""What is assumed of a service's use, by which its bill is estimated. Pure.

A month has 730 hours.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from infra.errors import Refused

HOURS = 730.0
SECONDS = HOURS * 3600
# A vCPU that is asked for more than this share of what it can do makes its callers wait (`slipway fit`).
BUSY_SHARE = 0.7
# Key of the setting `usage` and of --usage -> field of Usage, least, most, what it is.
KEYS: Mapping[str, tuple[str, float, float, str]] = {
    "requests": ("requests", 0, 1e12, "requests a month"),
    "requestSeconds": (
        "request_seconds",
        1e-6,
        3600,
        "seconds of one vCPU (or of the GPU) that a request takes",
    ),
    "hours": ("hours", 0.1, 24, "hours a day in which requests come"),
    "egressGb": ("egress_gb", 0, 1e9, "GB a month to the internet"),
    "imageGb": ("image_gb", 0, 1e6, "GB of images in the registry"),
    "logGb": ("log_gb", 0, 1e6, "GB a month of log"),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """requests: a month. request_seconds: of one vCPU, or of the GPU; None: not known. hours: a day.

    measured: request_seconds comes from the model's manifest, not from a person.
    """

    requests: float = 1_000_000
    request_seconds: float | None = None
    hours: float = 24
    egress_gb: float = 1
    image_gb: float = 1
    log_gb: float = 1
    measured: bool = False

    def capacity(self, cpu: float, gpu: bool) -> float | None:
        """Requests a second that one instance answers when it is fully busy."""
        if not self.request_seconds:
            return None
        return (1.0 if gpu else cpu) / self.request_seconds

    @property
    def busy_hours(self) -> float:
        """Of a month."""
        return HOURS * self.hours / 24

    @property
    def requests_per_second(self) -> float:
        """In the busy hours."""
        return self.requests / (self.busy_hours * 3600)

    def instances(self, capacity: float, least: float, most: float) -> float:
        """How many run in the busy hours: as many as are asked for, within the limits."""
        asked = math.ceil(self.requests_per_second / (capacity * BUSY_SHARE)) if self.requests else 0
        return min(max(asked, least), max(most, least))


def with_values(usage: Usage, values: Mapping[str, float]) -> Usage:
    """values: as the setting `usage` holds them."""
    fields = {KEYS[key][0]: value for key, value in values.items()}
    measured = usage.measured and "request_seconds" not in fields
    return replace(usage, **fields, measured=measured)  # pyright: ignore[reportArgumentType]  numbers, by KEYS


def usage_values(text: str) -> Mapping[str, float]:
    """The setting's text, a JSON object. Raises ValueError, its text a nearby valid value, or ''."""
    try:
        found: Any = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("") from None
    if not isinstance(found, dict):
        raise ValueError("")
    pairs: dict[str, Any] = {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return {key: _number(key, value) for key, value in pairs.items()}


def _number(key: str, value: Any) -> float:
    if key not in KEYS:
        raise ValueError(" or ".join(KEYS))
    _, least, most, _ = KEYS[key]
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key} {least:g} to {most:g}") from None
    if isinstance(value, bool) or not least <= number <= most:
        raise ValueError(f"{key} {least:g} to {most:g}")
    return number


def given_values(pairs: Iterable[str]) -> Mapping[str, float]:
    """`KEY=VALUE` from the command line. Raises Refused."""
    found: dict[str, float] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or key not in KEYS:
            raise Refused(f"--usage got {pair!r}; it takes KEY=NUMBER with a KEY of {', '.join(KEYS)}.")
        try:
            found[key] = _number(key, text)
        except ValueError:
            _, least, most, what = KEYS[key]
            raise Refused(f"--usage {key} is {text!r}; it is {what}, from {least:g} to {most:g}.") from None
    return found
