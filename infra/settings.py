"""One stack's settings: the table, their defaults and checks. Pure: no engine, no file is touched here.

The keys are flat and camelCase, so that `pulumi config set memory 4Gi` is the whole edit. A value is
text as the stack file holds it; '' means unset. Memory is a Kubernetes quantity outside, GiB inside.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from infra.errors import Refused

GIB = 2**30
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SUFFIXES = _DECIMAL | {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong setting: what it is, what it got, what is allowed, where to fix it."""

    key: str
    got: str
    allowed: str
    file: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" Did you mean {self.hint}?" if self.hint else ""
        return f"{self.key}: got {self.got}; allowed: {self.allowed}.{hint} Fix it in {self.file}."


class SettingsError(Refused):
    """All faults of one stack's settings together."""

    def __init__(self, stack: str, faults: list[Fault]) -> None:
        self.stack = stack
        self.faults = faults
        count = "1 setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        super().__init__(f"Stack {stack}: {count} wrong.\n" + "\n".join(f"  {fault}" for fault in faults))


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: it declares the key in Pulumi.yaml and in README, and checks its value."""

    key: str
    type: str
    unit: str
    default: str
    allowed: str
    description: str
    parse: Callable[[str], object]
    secret: bool = False


def gib(text: str) -> float:
    """A Kubernetes quantity such as `512Mi` in GiB. Raises ValueError, its text a nearby valid one."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text)
    if not match:
        raise ValueError("")
    number, suffix = match.groups()
    if suffix not in _SUFFIXES:
        near = suffix[:1].upper() + "i"
        raise ValueError(f"{number}{near}" if near in _SUFFIXES else "")
    size = float(number) * _SUFFIXES[suffix] / GIB
    if not 0.0625 <= size <= 1024:
        raise ValueError("")
    return size


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError("")
        return int(text)

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not low <= float(text) <= high:
            raise ValueError("")
        return float(text)

    return parse


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            near = difflib.get_close_matches(text, names, 1)
            raise ValueError(near[0] if near else "")
        return text

    return parse


def _model(text: str) -> str:
    if not re.fullmatch(r"bundled:[a-z0-9][a-z0-9.-]*|file:[^\0\n]+", text):
        raise ValueError("")
    return text


def _key(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{16,512}", text):
        raise ValueError("")
    return text


TABLE = (
    Setting("target", "choice", "", "", "local", "Where the service runs; required.", _one_of("local")),
    Setting("task", "choice", "", "classify", "classify", "What the model does.", _one_of("classify")),
    Setting(
        "model",
        "text",
        "",
        "bundled:sms-spam",
        "`bundled:<name>`, or `file:<folder>` with model.onnx, tokenizer.json and manifest.json",
        "Where the model comes from.",
        _model,
    ),
    Setting("cpu", "number", "vCPU", "1", "0.1 to 64", "CPU of one instance.", _number(0.1, 64)),
    Setting(
        "memory",
        "quantity",
        "bytes",
        "2Gi",
        "a Kubernetes quantity from 64Mi to 1Ti, such as 512Mi or 2Gi",
        "Memory limit of one instance.",
        gib,
    ),
    Setting(
        "minInstances",
        "integer",
        "instances",
        "0",
        "0 to 1000",
        "Instances that always run.",
        _whole(0, 1000),
    ),
    Setting("maxInstances", "integer", "instances", "3", "1 to 1000", "Instances at most.", _whole(1, 1000)),
    Setting("timeout", "integer", "seconds", "60", "1 to 3600", "Time a request may take.", _whole(1, 3600)),
    Setting(
        "port",
        "integer",
        "",
        "8000",
        "1024 to 65535",
        "Port on 127.0.0.1; `local` only.",
        _whole(1024, 65535),
    ),
    Setting(
        "apiKey",
        "secret",
        "",
        "",
        "16 to 512 printable ASCII characters without spaces",
        "Bearer key of the service; one is created when it is unset.",
        _key,
        secret=True,
    ),
)
BY_KEY = {row.key: row for row in TABLE}


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of one stack. The secret ones are not here: they travel as Pulumi secrets."""

    target: str
    task: str
    model: str
    cpu: float
    memory_gib: float
    min_instances: int
    max_instances: int
    timeout_seconds: int
    port: int


def settings_of(
    stack: str,
    given: Mapping[str, str],
    where: Mapping[str, str] | None = None,
    in_clear: Iterable[str] = (),
) -> Settings:
    """Check the given values and fill the defaults. Raises SettingsError with every fault at once.

    given: key -> text, '' or absent = unset; secret keys only where their text is known.
    where: key -> the file (or option) that set it, for the message.
    in_clear: secret keys whose value stands unencrypted in the file.
    """
    file = f"Pulumi.{stack}.yaml"
    where = where or {}
    faults: list[Fault] = [_unknown(key, where.get(key, file)) for key in given if key not in BY_KEY]
    faults += [_in_clear(key, where.get(key, file)) for key in in_clear]
    values: dict[str, object] = {}
    for row in TABLE:
        text = given.get(row.key, "") or row.default
        if not text:
            if row.key == "target":
                faults.append(Fault("target", "nothing", row.allowed, where.get("target", file)))
            continue
        try:
            values[row.key] = row.parse(text)
        except ValueError as error:
            faults.append(_wrong(row, text, str(error), where.get(row.key, file)))
    faults += _pair_faults(values, where, file)
    if faults:
        raise SettingsError(stack, faults)
    return _settings(values)


def _settings(values: dict[str, object]) -> Settings:
    names = {"memory": "memory_gib", "timeout": "timeout_seconds"}
    names |= {"minInstances": "min_instances", "maxInstances": "max_instances"}
    fields = {names.get(key, key): value for key, value in values.items() if not BY_KEY[key].secret}
    return Settings(**fields)  # pyright: ignore[reportArgumentType]  each row's parse gives its field's type


def _wrong(row: Setting, text: str, hint: str, file: str) -> Fault:
    got = f"a value of {len(text)} characters (not shown)" if row.secret else repr(text)
    return Fault(row.key, got, row.allowed, file, hint)


def _unknown(key: str, file: str) -> Fault:
    near = difflib.get_close_matches(key, BY_KEY, 1, cutoff=0.5)
    return Fault(key, "an unknown key", "one of " + ", ".join(BY_KEY), file, near[0] if near else "")


def _in_clear(key: str, file: str) -> Fault:
    allowed = f"an encrypted value (`pulumi config set --secret {key}`), or none: then one is created"
    return Fault(key, "a value in clear (not shown)", allowed, file)


def _pair_faults(values: Mapping[str, object], where: Mapping[str, str], file: str) -> list[Fault]:
    low, high = values.get("minInstances"), values.get("maxInstances")
    if isinstance(low, int) and isinstance(high, int) and high < low:
        allowed = f"at least minInstances, which is {low}"
        return [Fault("maxInstances", repr(str(high)), allowed, where.get("maxInstances", file))]
    return []
