"""The cloud-neutral description of one inference service, which every target adapts.

Units: `cpu` in vCPU, `memory_gib` in GiB, times in seconds, replicas in instances.
The cloud's own word for a value appears only where a target hands it over.
"""

import math
import re
from dataclasses import dataclass
from typing import NotRequired, Self, TypedDict

# RFC 1123 label, short enough for a suffix: every target builds names from it.
NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


class InferenceServiceArgs(TypedDict):
    """What every target asks for; a target's own arguments extend it."""

    model: str
    """Where the model comes from: `bundled:<name>` or `file:<folder>`."""
    task: NotRequired[str]
    """What the model does, as its manifest says: `classify`. Default `classify`."""
    cpu: NotRequired[float]
    """vCPU per instance. Default 1."""
    memory_gib: NotRequired[float]
    """Memory per instance in GiB. Default 2."""
    min_replicas: NotRequired[int]
    """Instances that always run. Default 0."""
    max_replicas: NotRequired[int]
    """Instances at most. Default 3."""
    request_timeout_seconds: NotRequired[float]
    """Seconds a request may take. Default 60."""
    port: NotRequired[int]
    """Port the server listens on. Default 8080."""


@dataclass(frozen=True, slots=True)
class InferenceServiceSpec:
    """The arguments, complete and checked. Every fault of them is reported in one ValueError."""

    name: str
    model: str
    task: str
    cpu: float
    memory_gib: float
    min_replicas: int
    max_replicas: int
    request_timeout_seconds: float
    port: int

    @classmethod
    def of(cls, name: str, args: InferenceServiceArgs) -> Self:
        """Fill the defaults and check. Whole numbers may arrive as floats: other languages send them so."""
        spec = cls(
            name=name,
            model=args["model"],
            task=args.get("task", "classify"),
            cpu=args.get("cpu", 1),
            memory_gib=args.get("memory_gib", 2),
            min_replicas=_whole(name, "min_replicas", args.get("min_replicas", 0)),
            max_replicas=_whole(name, "max_replicas", args.get("max_replicas", 3)),
            request_timeout_seconds=args.get("request_timeout_seconds", 60),
            port=_whole(name, "port", args.get("port", 8080)),
        )
        faults = list(_faults(spec))
        if faults:
            raise ValueError("\n".join(f"{name}: {fault}" for fault in faults))
        return spec


def _whole(name: str, field: str, value: float) -> int:
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f"{name}: {field} is {value:g}; it must be a whole number.")
    return int(value)


def _faults(spec: InferenceServiceSpec):
    if not NAME.fullmatch(spec.name):
        yield (
            f"the name is {spec.name!r}; allowed are 1 to 40 lowercase letters, digits and hyphens, "
            "starting with a letter and not ending with a hyphen."
        )
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
    if not 0 < spec.request_timeout_seconds <= 3600:
        yield (
            f"request_timeout_seconds is {spec.request_timeout_seconds:g}; "
            "it must be above 0 and at most 3600."
        )
    if not 1 <= spec.port <= 65535:
        yield f"port is {spec.port}; it must be from 1 to 65535."
