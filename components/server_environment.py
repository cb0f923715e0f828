"""The values that the server accepts in its environment variables, so that a preview refuses wrong ones.

The server's own declaration is service/settings.py, which nothing here may import; a test checks that the two
agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .fault import Fault

_FLAGS = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"})


@dataclass(frozen=True, slots=True)
class Variable:
    """What a variable's value may be, by exactly one of these parts.

    low, high: ends of a number, whole or not. choices: the values. is_flag: true or false.
    longest: the maximum length of a string.
    """

    low: float | None = None
    high: float | None = None
    is_whole: bool = False
    choices: tuple[str, ...] = ()
    is_flag: bool = False
    longest: int | None = None

    @property
    def allowed(self) -> str:
        if self.choices:
            return f"the server takes {', '.join(self.choices)}"
        if self.is_flag:
            return "the server takes true and false"
        if self.longest is not None:
            return f"the server takes at most {self.longest} characters"
        kind = "a whole number" if self.is_whole else "a number"
        return f"the server takes {kind} from {self.low:g} to {self.high:.15g}"

    def takes(self, text: str) -> bool:
        if self.choices:
            return text in self.choices
        if self.is_flag:
            return text.lower() in _FLAGS
        if self.longest is not None:
            return len(text) <= self.longest
        assert self.low is not None
        assert self.high is not None
        try:
            number = int(text) if self.is_whole else float(text)
        except ValueError:
            return False
        return self.low <= number <= self.high


_FLAG = Variable(is_flag=True)


def _whole(low: int, high: int) -> Variable:
    return Variable(low, high, is_whole=True)


VARIABLES: Mapping[str, Variable] = {
    "LOG_LEVEL": Variable(choices=("debug", "info", "warning", "error")),
    "LOG_LEVEL_FIELD": Variable(choices=("level", "severity")),
    "LOG_CLIENT_ADDRESS": Variable(choices=("network", "full", "none")),
    "TRUSTED_PROXIES": Variable(longest=4000),
    "METRICS": Variable(choices=("own-port", "public-port", "off")),
    "METRICS_PORT": _whole(0, 65535),
    "METRICS_PATH": Variable(longest=254),
    "MAX_BODY_BYTES": _whole(1024, 256 << 20),
    "MAX_TEXT_CHARACTERS": _whole(1, 10_000_000),
    "MAX_TEXTS": _whole(1, 100_000),
    "MAX_QUEUE_CALLS": _whole(1, 1_000_000),
    "MAX_QUEUE_TOKENS": _whole(1, 1_000_000_000),
    "MAX_BATCH_SIZE": _whole(1, 1024),
    "MAX_BATCH_TOKENS": _whole(1, 10_000_000),
    "MAX_PADDING_SHARE": Variable(0, 1),
    "MAX_WAIT_MS": Variable(0, 1000),
    "HEAD_TIMEOUT_SECONDS": Variable(0.1, 3600),
    "WRITE_TIMEOUT_SECONDS": Variable(0.1, 3600),
    "MAX_CONNECTIONS": _whole(1, 65_536),
    "INFERENCE_THREADS": _whole(1, 256),
    "FORWARD_THREADS": _whole(0, 256),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(longest=2000),
    "TRACE_SHARE": Variable(0, 1),
    "PAYLOAD_SHARE": Variable(0, 1),
    "PAYLOAD_SPACY_MODEL": Variable(longest=200),
    "FEEDBACK_PREDICTIONS": _whole(0, 1_000_000),
    "FEEDBACK_SECONDS": Variable(1, 2_592_000),
    "JOBS_MAX_ATTEMPTS": _whole(1, 100),
    "SERVICE_VERSION": Variable(longest=200),
    "SERVE_PAGE": _FLAG,
    "SERVE_DOCS": _FLAG,
}


def value_faults(env: Mapping[str, str]) -> Iterator[Fault]:
    """Yield which values of the argument `env` would stop the server at its start.

    An empty one counts as unset.
    """
    for name, text in env.items():
        variable = VARIABLES.get(name.upper())
        if variable and text and not variable.takes(text):
            shown = repr(text) if len(text) <= 100 else f"{text[:100]!r}…"
            yield Fault(f"env.{name}", shown, variable.allowed)
