"""The smallest memory setting of each target that is enough for a need. Pure tables; MiB, vCPU.

The clouds' own libraries let wrong sizes through, so the rules are here, for `fit` and the components.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# cloud.google.com/run/docs/configuring/services/cpu: the memory that each vCPU count allows.
CLOUD_RUN_MIB: Mapping[int, tuple[int, int]] = {
    1: (512, 4096),
    2: (512, 8192),
    4: (2048, 16384),
    6: (4096, 24576),
    8: (4096, 32768),
}
# docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE_MIB: Mapping[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16384 + 1, 1024)),
    4: tuple(range(8192, 30720 + 1, 1024)),
    8: tuple(range(16384, 61440 + 1, 4096)),
    16: tuple(range(32768, 122880 + 1, 8192)),
}
_STEP_MIB = 64
GIB = 2**30
MIB_OF_A_GIB = 1024
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SUFFIXES = _DECIMAL | {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclass(frozen=True, slots=True)
class Size:
    """A valid pair of CPU and memory of a target. memory in MiB."""

    target: str
    cpu: float
    memory_mib: int

    @property
    def memory(self) -> str:
        """Return the memory as the setting is written: `512Mi`, `2Gi`."""
        return quantity(self.memory_mib)


def quantity(mib: int) -> str:
    return f"{mib // 1024}Gi" if mib % 1024 == 0 else f"{mib}Mi"


def gib(text: str) -> float:
    """Convert a Kubernetes quantity such as `512Mi` to GiB.

    Raises ValueError, whose text is a nearby valid quantity, or ''.
    """
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


def smallest_size(target: str, need_mib: float, cpu: float) -> Size | None:
    """Return the smallest valid memory of `need_mib` or more on the target, with `cpu` or more.

    None if nothing it offers is enough. A target that sells no fixed sizes takes steps of 64 MiB.
    """
    if target == "cloud-run":
        return _smallest_cloud_run(need_mib, cpu)
    if target == "fargate":
        return _smallest_fargate(need_mib, cpu)
    return Size(target, cpu, _stepped(need_mib))


def _stepped(need_mib: float) -> int:
    return _STEP_MIB * max(1, -int(-need_mib // _STEP_MIB))


def _smallest_cloud_run(need_mib: float, cpu: float) -> Size | None:
    for count, (low, high) in CLOUD_RUN_MIB.items():
        if count >= cpu and need_mib <= high:
            return Size("cloud-run", count, max(low, _stepped(need_mib)))
    return None


def _smallest_fargate(need_mib: float, cpu: float) -> Size | None:
    for count, offered in FARGATE_MIB.items():
        fitting = [mib for mib in offered if mib >= need_mib]
        if count >= cpu and fitting:
            return Size("fargate", count, fitting[0])
    return None
