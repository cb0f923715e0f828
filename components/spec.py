"""The cloud-neutral description of one inference service, which every target adapts.

Units: `cpu` in vCPU, `memory_gib` in GiB, times in seconds, replicas in instances.
The cloud's own word for a value appears only where a target hands it over.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NotRequired, Self, TypedDict

from .tasks import TASKS

# What the server reads itself (service/settings.py): a target sets these from the arguments above.
OWN_ENVIRONMENT = (
    "HOST",
    "PORT",
    "DEVICE",
    "MODEL_API_KEY",
    "MODEL_DIR",
    "MODEL_SOURCE",
    "EXPECTED_MODEL",
    "REQUEST_TIMEOUT_SECONDS",
    "DRAIN_SECONDS",
)
# POSIX names; the clouds take no others.
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# service/manifest.py, Manifest.model_version; modeltools/importing writes the other into a manifest.
EXPECTED_MODEL = re.compile(
    r"|[A-Za-z0-9][A-Za-z0-9._+-]*\+[0-9a-f]{12}|hf:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+@[0-9a-f]{40}"
)
# Names whose value should not stand in the clear in a state, a preview and a console.
SECRET_WORDS = re.compile(r"(?i)(^|_)(key|token|secret|password|passwd|credentials?)(_|$)")

# service/settings.py, REQUEST_TIMEOUT_SECONDS
_LEAST_TIMEOUT_SECONDS = 0.01

# Task -> the server's route for it.
ROUTES = {name: task.route for name, task in TASKS.items()}

# RFC 1123 label, short enough for a suffix: every target builds names from it.
NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


class InferenceServiceArgs(TypedDict):
    """What every target asks for; a target's own arguments extend it."""

    model: str
    """Where the model comes from: `bundled:<name>` or `file:<folder>`, and in the clouds also
    `gs://bucket/folder@generation` or `s3://bucket/folder@versionId`."""
    expected_model: NotRequired[str]
    """The only model to serve, as `/health` shows its version, or `hf:<owner>/<name>@<commit>`: a server that
    holds another does not start. Default: any."""
    task: NotRequired[str]
    """What the model does, as its manifest says: `classify`, `embed` or `tabular`. Default `classify`."""
    cpu: NotRequired[float]
    """vCPU per instance. Default 1."""
    memory_gib: NotRequired[float]
    """Memory per instance in GiB. Default 2."""
    gpu: NotRequired[str]
    """Accelerator of one instance, such as `nvidia-l4`. Default none."""
    gpu_count: NotRequired[int]
    """GPUs of one instance. Default 1 where `gpu` is given."""
    min_replicas: NotRequired[int]
    """Instances that always run. Default 0."""
    max_replicas: NotRequired[int]
    """Instances at most. Default 3."""
    concurrency: NotRequired[int]
    """Requests at once per instance. Default 8 for each vCPU begun; 1 below one vCPU."""
    request_timeout_seconds: NotRequired[float]
    """Seconds a request may take. Default 60."""
    load_seconds: NotRequired[float]
    """Seconds from the start of the process until the model is ready, as `slipway fit` measures them.
    Default 10."""
    port: NotRequired[int]
    """Port the server listens on. Default 8080."""
    env: NotRequired[dict[str, str]]
    """Plain environment of the server; nothing secret."""
    secrets: NotRequired[dict[str, str]]
    """Environment name -> the cloud's own reference to an existing secret, its version pinned."""
    labels: NotRequired[dict[str, str]]
    """Labels of what is made, on the clouds that have them."""
    public: NotRequired[bool]
    """Whether anybody may call it; the API key is asked for all the same. Default false."""


@dataclass(frozen=True, slots=True)
class InferenceServiceSpec:
    """The arguments, complete and checked. Every fault of them is reported in one ValueError."""

    name: str
    model: str
    expected_model: str
    task: str
    cpu: float
    memory_gib: float
    gpu: str
    gpu_count: int
    min_replicas: int
    max_replicas: int
    concurrency: int
    request_timeout_seconds: float
    load_seconds: float
    port: int
    env: Mapping[str, str]
    secrets: Mapping[str, str]
    labels: Mapping[str, str]
    public: bool

    @classmethod
    def of(cls, name: str, args: InferenceServiceArgs) -> Self:
        """Fill the defaults and check. Whole numbers may arrive as floats: other languages send them so."""
        spec = cls.read(name, args)
        refuse(name, spec.faults())
        return spec

    @classmethod
    def read(cls, name: str, args: InferenceServiceArgs) -> Self:
        """Fill the defaults, for a target that reports these faults together with its own."""
        cpu, gpu = args.get("cpu", 1), args.get("gpu", "")
        return cls(
            name=name,
            model=args.get("model", ""),
            expected_model=args.get("expected_model", ""),
            task=args.get("task", "classify"),
            cpu=cpu,
            memory_gib=args.get("memory_gib", 2),
            gpu=gpu,
            gpu_count=_whole(args.get("gpu_count", 1 if gpu else 0)),
            min_replicas=_whole(args.get("min_replicas", 0)),
            max_replicas=_whole(args.get("max_replicas", 3)),
            concurrency=_whole(args.get("concurrency", default_concurrency(cpu))),
            request_timeout_seconds=args.get("request_timeout_seconds", 60),
            load_seconds=args.get("load_seconds", 10),
            port=_whole(args.get("port", 8080)),
            env=dict(args.get("env", {})),
            secrets=dict(args.get("secrets", {})),
            labels=dict(args.get("labels", {})),
            public=args.get("public", False),
        )

    @property
    def model_environment(self) -> dict[str, str]:
        """What the server checks its model against; empty where it may serve any."""
        return {"EXPECTED_MODEL": self.expected_model} if self.expected_model else {}

    def faults(self) -> Iterator[str]:
        """What no target allows, each in a sentence."""
        yield from _faults(self)
        yield from _environment_faults(self)


def refuse(name: str, faults: Iterable[str]) -> None:
    """Raise one ValueError with every fault of the component `name`, a line each; none: do nothing."""
    lines = [f"{name}: {fault}" for fault in faults]
    if lines:
        raise ValueError("\n".join(lines))


def was_checked(spec: Any, checked: Any, later: Collection[str] = ("image_ref",)) -> bool:
    """Whether `checked` is this spec but for the fields `later`, whose values come once something is made.

    checked: a spec without fault, or None. A component that is given one checks again what differs.
    """
    return checked is not None and all(
        getattr(spec, field.name) == getattr(checked, field.name)
        for field in fields(spec)
        if field.name not in later
    )


def device_environment(gpu: str) -> dict[str, str]:
    """With a GPU the server computes on it or does not start; without one it has no choice."""
    return {"DEVICE": "cuda"} if gpu else {}


def default_concurrency(cpu: float) -> int:
    """Enough at once to keep every inference thread busy, few enough that a queued request waits briefly."""
    return 8 * math.ceil(cpu) if 1 <= cpu < math.inf else 1


def _whole(value: float) -> int:
    """As an int where it is one; another number stays as it is, for `faults` to name."""
    return int(value) if math.isfinite(value) and value == int(value) else value  # pyright: ignore[reportReturnType]


def _faults(spec: InferenceServiceSpec) -> Iterator[str]:
    if not NAME.fullmatch(spec.name):
        yield (
            f"the name is {spec.name!r}; allowed are 1 to 40 lowercase letters, digits and hyphens, "
            "starting with a letter and not ending with a hyphen."
        )
    if not spec.model:
        yield "model is missing; name one, such as `bundled:sms-spam`."
    if not EXPECTED_MODEL.fullmatch(spec.expected_model):
        yield (
            f"expected_model is {spec.expected_model!r}; it must be a model's version as /health shows it, "
            "`<name>-<version>+<12 hexadecimal digits>`, or `hf:<owner>/<name>@<commit of 40 digits>`."
        )
    for field in ("gpu_count", "min_replicas", "max_replicas", "concurrency", "port"):
        number: float = getattr(spec, field)
        if not isinstance(number, int):
            yield f"{field} is {number:g}; it must be a whole number."
    if not 0 < spec.cpu <= 256:
        yield f"cpu is {spec.cpu:g}; it must be above 0 and at most 256 vCPU."
    if not 0.03125 <= spec.memory_gib <= 4096:
        yield f"memory_gib is {spec.memory_gib:g}; it must be from 0.03125 (32Mi) to 4096 GiB."
    if spec.min_replicas < 0:
        yield f"min_replicas is {spec.min_replicas}; it must be 0 or more."
    if spec.max_replicas < 1:
        yield f"max_replicas is {spec.max_replicas}; it must be 1 or more."
    if spec.max_replicas < spec.min_replicas:
        yield (
            f"max_replicas is {spec.max_replicas}, below min_replicas {spec.min_replicas}; "
            "raise the one or lower the other."
        )
    if not _LEAST_TIMEOUT_SECONDS <= spec.request_timeout_seconds <= 3600:
        yield (
            f"request_timeout_seconds is {spec.request_timeout_seconds:g}; "
            f"it must be from {_LEAST_TIMEOUT_SECONDS:g} to 3600."
        )
    if not 1 <= spec.port <= 65535:
        yield f"port is {spec.port}; it must be from 1 to 65535."
    if spec.gpu and spec.gpu_count < 1:
        yield f"gpu_count is {spec.gpu_count} with gpu {spec.gpu}; it must be 1 or more."
    if not spec.gpu and spec.gpu_count:
        yield f"gpu_count is {spec.gpu_count}, but no gpu is named; name one (nvidia-l4) or leave this out."
    if spec.concurrency < 1:
        yield f"concurrency is {spec.concurrency}; it must be 1 or more."
    if not 0 < spec.load_seconds <= 3600:
        yield f"load_seconds is {spec.load_seconds:g}; it must be above 0 and at most 3600."


def _environment_faults(spec: InferenceServiceSpec) -> Iterator[str]:
    for key in [*spec.env, *spec.secrets]:
        if not ENVIRONMENT_NAME.fullmatch(key):
            yield f"env {key!r} is no environment name; allowed are letters, digits and _, not a digit first."
        elif key in OWN_ENVIRONMENT:
            yield f"env {key} is set by the service itself; leave it out of `env` and `secrets`."
    for key in sorted(spec.env.keys() & spec.secrets.keys()):
        yield f"env {key} stands in `env` and in `secrets`; keep one."
    for key in spec.env:
        if "\0" in spec.env[key]:
            yield f"env {key} holds a NUL character, which no environment can."
        if SECRET_WORDS.search(key) and spec.env[key]:
            yield (
                f"env {key} looks like a secret (its value is not shown); put it into `secrets`: "
                f"`pulumi config set --secret --path 'secrets.{key}'`."
            )
