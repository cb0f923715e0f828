"""What is assumed of a service's use, by which its bill is estimated. Pure.

A month has 730 hours.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from slipway.infra.errors import Refused
from slipway.stacks.settings.readers import KEYS, usage_number

HOURS = 730.0
SECONDS = HOURS * 3600
# A vCPU that is busier than this makes its callers wait (`slipway fit`).
BUSY_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Usage:
    """The assumed use.

    requests: a month. request_seconds: of one vCPU, or of the GPU; None: not known. hours: a day.

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
        """Return the requests a second that one instance answers when it is fully busy."""
        if not self.request_seconds:
            return None
        return (1.0 if gpu else cpu) / self.request_seconds

    @property
    def busy_hours(self) -> float:
        """Return the busy hours of a month."""
        return HOURS * self.hours / 24

    @property
    def requests_per_second(self) -> float:
        """Return the rate in the busy hours."""
        return self.requests / (self.busy_hours * 3600)

    def instances(self, capacity: float, least: float, most: float) -> float:
        """Return how many instances run in the busy hours: as many as are needed, within the limits."""
        asked = math.ceil(self.requests_per_second / (capacity * BUSY_SHARE)) if self.requests else 0
        return min(max(asked, least), max(most, least))


def with_values(usage: Usage, values: Mapping[str, float]) -> Usage:
    """Read the setting `usage`."""
    fields = {KEYS[key][0]: value for key, value in values.items()}
    measured = usage.measured and "request_seconds" not in fields
    return replace(usage, **fields, measured=measured)  # pyright: ignore[reportArgumentType]  numbers, by KEYS


def given_values(pairs: Iterable[str]) -> Mapping[str, float]:
    """Read a `KEY=VALUE` of the command line. Raises Refused."""
    found: dict[str, float] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or key not in KEYS:
            raise Refused(f"--usage got {pair!r}; it takes KEY=NUMBER with a KEY of {', '.join(KEYS)}.")
        try:
            found[key] = usage_number(key, text)
        except ValueError:
            _, least, most, what = KEYS[key]
            raise Refused(f"--usage {key} is {text!r}; it is {what}, from {least:g} to {most:g}.") from None
    return found
