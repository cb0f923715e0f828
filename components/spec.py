"""The cloud-neutral description of one inference service, which every target adapts.

Units: `cpu` in vCPU, `memory_gib` in GiB, times in seconds, replicas in instances.
The cloud's own word for a value appears only where a target hands it over.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NotRequired, Self, TypedDict

import pulumi

from .declared import argument, read_into
from .environment import ENVIRONMENT_NAME, EXPECTED_MODEL, OWN_ENVIRONMENT, looks_secret
from .fault import Fault, refuse
from .load_time import MAX_LOAD_SECONDS
from .model_address import ModelAddress
from .server_environment import value_faults
from .service_name import NAME
from .tasks import DEFAULT_TASK, TASKS

# Arguments that are whole numbers.
WHOLE = ("gpu_count", "min_replicas", "max_replicas", "concurrency", "port")
# service/settings.py, REQUEST_TIMEOUT_SECONDS
_LEAST_TIMEOUT_SECONDS = 0.01

# Task -> the server's route for it.
ROUTES = {name: task.route for name, task in TASKS.items()}


class InferenceServiceArgs(TypedDict):
    """The arguments of every target; a target's own arguments extend them."""

    model: str
    """Where the model comes from: `bundled:<name>` or `file:<folder>`, or in the clouds
    `hf:<owner>/<name>@<commit>`, `gs://bucket/folder@generation` or `s3://bucket/folder@versionId`."""
    expected_model: NotRequired[str]
    """The only model to serve, as `/health` shows its version, or `hf:<owner>/<name>@<commit>`: a server with
    another model does not start. Default: any."""
    task: NotRequired[str]
    """What the model does, as its manifest says: `classify`, `embed` or `tabular`. Default `classify`."""
    cpu: NotRequired[float]
    """vCPU per instance. Default 1."""
    memory_gib: NotRequired[float]
    """Memory per instance in GiB. Default 2."""
    gpu: NotRequired[str]
    """Accelerator of one instance, such as `nvidia-l4`. Default none."""
    gpu_count: NotRequired[int]
    """GPUs of one instance. Default 1 if `gpu` is given."""
    min_replicas: NotRequired[int]
    """Instances that always run. Default 0."""
    max_replicas: NotRequired[int]
    """Maximum number of instances. Default 3."""
    concurrency: NotRequired[int]
    """Concurrent requests per instance. Default 8 per started vCPU; 1 below one vCPU."""
    request_timeout_seconds: NotRequired[float]
    """Seconds a request may take. Default 60."""
    load_seconds: NotRequired[float]
    """Seconds from the start of the process until the model is ready, as `slipway fit` measures them.
    Default 10."""
    port: NotRequired[int]
    """Port the server listens on. Default 8080."""
    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Plain environment of the server; nothing secret."""
    plain_env: NotRequired[list[str]]
    """Names in `env` that look like secrets but are not. Default none."""
    secrets: NotRequired[dict[str, str]]
    """Environment name -> the cloud's own reference to an existing secret, its version pinned."""
    labels: NotRequired[dict[str, str]]
    """Labels of everything that is created, on clouds that have them."""
    public: NotRequired[bool]
    """Whether everyone may call the service; the API key is required even so. Default false."""


@dataclass(frozen=True, slots=True)
class InferenceServiceSpec:
    """The arguments, complete. `of` also checks them, and reports all faults in one ArgumentsError."""

    name: str
    model: str = argument("")
    expected_model: str = argument("")
    task: str = argument(DEFAULT_TASK)
    cpu: float = argument(1)
    memory_gib: float = argument(2)
    gpu: str = argument("")
    gpu_count: int = argument(derived=lambda spec: 1 if spec.gpu else 0)
    min_replicas: int = argument(0)
    max_replicas: int = argument(3)
    concurrency: int = argument(derived=lambda spec: default_concurrency(spec.cpu))
    request_timeout_seconds: float = argument(60)
    load_seconds: float = argument(10)
    port: int = argument(8080)
    env: Mapping[str, pulumi.Input[str]] = argument({})
    plain_env: tuple[str, ...] = argument(())
    secrets: Mapping[str, str] = argument({})
    labels: Mapping[str, str] = argument({})
    public: bool = argument(default=False)

    @classmethod
    def of(cls, name: str, args: InferenceServiceArgs) -> Self:
        """Fill in the defaults and check. Raises ArgumentsError with every fault."""
        spec = cls.read(name, args)
        refuse(name, spec.faults())
        return spec

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults, for a target that reports these faults together with its own.

        Whole numbers may arrive as floats: other languages send them so.
        """
        whole = {field: _whole(args[field]) for field in WHOLE if field in args}
        return read_into(cls, {**args, **whole}, name=name)

    @property
    def known_env(self) -> dict[str, str]:
        """Return the variables of `env` whose values are known before anything is made."""
        return {name: value for name, value in self.env.items() if isinstance(value, str)}

    @property
    def model_environment(self) -> dict[str, str]:
        """Return the environment by which the server checks its model; empty if it may serve any."""
        return {"EXPECTED_MODEL": self.expected_model} if self.expected_model else {}

    @property
    def address(self) -> ModelAddress:
        """Return where the model comes from."""
        return ModelAddress.parse(self.model)

    @property
    def memory_mib(self) -> float:
        return self.memory_gib * 1024

    def faults(self) -> Iterator[Fault]:
        """Yield what no target allows."""
        yield from _faults(self)
        yield from _environment_faults(self)


def was_checked(spec: Any, checked: Any, later: Collection[str] = ("image_ref",)) -> bool:
    """Return whether `checked` equals this spec, apart from the fields `later`, known once something is made.

    checked: a spec without fault, or None. A component that is given one checks again if it differs.
    """
    return checked is not None and all(
        getattr(spec, field.name) == getattr(checked, field.name)
        for field in fields(spec)
        if field.name not in later
    )


def device_environment(gpu: str) -> dict[str, str]:
    """Return the environment that makes a server with a GPU compute on it or refuse to start."""
    return {"DEVICE": "cuda"} if gpu else {}


def default_concurrency(cpu: float) -> int:
    """Return the requests to allow at once: enough to keep every inference thread busy, with short queues."""
    return 8 * math.ceil(cpu) if 1 <= cpu < math.inf else 1


def _whole(value: float) -> int:
    """Convert to an int if the value is whole; leave any other number for `faults` to report."""
    return int(value) if math.isfinite(value) and value == int(value) else value  # pyright: ignore[reportReturnType]


def _faults(spec: InferenceServiceSpec) -> Iterator[Fault]:
    if not NAME.fullmatch(spec.name):
        allowed = "allowed are 1 to 40 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        yield Fault("name", repr(spec.name), allowed)
    if not spec.model:
        yield Fault("model", "missing", "name one, such as `bundled:sms-spam`")
    if not EXPECTED_MODEL.fullmatch(spec.expected_model):
        allowed = (
            "it must be a model's version as /health shows it, `<name>-<version>+<12 hex digits>`, or "
            "`hf:<owner>/<name>@<commit of 40 digits>`"
        )
        yield Fault("expected_model", repr(spec.expected_model), allowed)
    for field in WHOLE:
        number: float = getattr(spec, field)
        if not isinstance(number, int):
            yield Fault(field, f"{number:g}", "it must be a whole number")
    yield from _range_faults(spec)
    if spec.max_replicas < spec.min_replicas:
        reason = f", below `min_replicas` {spec.min_replicas}"
        yield Fault("max_replicas", f"{spec.max_replicas}", "raise the one or lower the other", reason)
    if spec.gpu and spec.gpu_count < 1:
        yield Fault("gpu_count", f"{spec.gpu_count}", "it must be 1 or more", f"with `gpu` {spec.gpu}", 1)
    if not spec.gpu and spec.gpu_count:
        allowed = "name one (nvidia-l4) or leave this out"
        yield Fault("gpu_count", f"{spec.gpu_count}", allowed, ", but no `gpu` is named")


@dataclass(frozen=True, slots=True)
class _Range:
    """The allowed values of an argument on every target. low: itself not allowed if `above` is set."""

    low: float
    high: float = math.inf
    unit: str = ""
    above: bool = False

    def holds(self, value: float) -> bool:
        return (self.low < value if self.above else self.low <= value) and value <= self.high

    @property
    def allowed(self) -> str:
        if self.above:
            return f"it must be above {self.low:g} and at most {self.high:g}{self.unit}"
        if math.isinf(self.high):
            return f"it must be {self.low:g} or more{self.unit}"
        return f"it must be from {self.low:g} to {self.high:g}{self.unit}"

    def nearest(self, value: float) -> float | None:
        """Return the end of the range that is nearest to a value outside; None if no end is allowed."""
        if value > self.high:
            return self.high
        return self.low if value < self.low and not self.above else None


_RANGES = {
    "cpu": _Range(0, 256, " vCPU", above=True),
    "memory_gib": _Range(0.03125, 4096, " GiB"),
    "min_replicas": _Range(0),
    "max_replicas": _Range(1),
    "request_timeout_seconds": _Range(_LEAST_TIMEOUT_SECONDS, 3600, " s"),
    "port": _Range(1, 65535),
    "concurrency": _Range(1),
    "load_seconds": _Range(0, MAX_LOAD_SECONDS, " s", above=True),
}


def _range_faults(spec: InferenceServiceSpec) -> Iterator[Fault]:
    """Yield which arguments are outside the range that they have on every target."""
    for name, allowed in _RANGES.items():
        value: float = getattr(spec, name)
        if not allowed.holds(value):
            yield Fault(name, f"{value:.10g}", allowed.allowed, nearest=allowed.nearest(value))


def _environment_faults(spec: InferenceServiceSpec) -> Iterator[Fault]:
    for where, names in (("env", spec.env), ("secrets", spec.secrets)):
        for key in names:
            if not ENVIRONMENT_NAME.fullmatch(key):
                allowed = "allowed are letters, digits and _, not a digit first"
                yield Fault(where, repr(key), allowed, ", which is no environment name", verb="has")
            elif key in OWN_ENVIRONMENT:
                reason = ", which the service itself sets"
                yield Fault(where, key, "leave it out of `env` and `secrets`", reason, verb="has")
    for key in sorted(spec.env.keys() & spec.secrets.keys()):
        yield Fault("env", key, "keep one", ", which `secrets` has too", verb="has")
    for key, value in spec.known_env.items():
        if "\0" in value:
            yield Fault("env", key, "no environment can hold it", "with a NUL character", verb="has")
    yield from value_faults(spec.known_env)
    for key, value in spec.env.items():
        if key not in spec.plain_env and looks_secret(key, value if isinstance(value, str) else None):
            reason = ", which looks like a secret (its value is not shown)"
            allowed = "put it into `secrets`, or name it in `plain_env` if it is none"
            yield Fault("env", key, allowed, reason, verb="has")
