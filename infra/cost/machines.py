"""The shapes of the machine types that the price table has. Pure; vCPU and GiB of a whole node.

Source: components/gke/machines.py, with which a test compares it; it is not imported, because the policy
pack has no cloud's SDK.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.infra.cost.prices import PriceTable

_GIB_PER_VCPU = {"e2-standard": 4.0, "n1-standard": 3.75, "n2-standard": 4.0, "g2-standard": 4.0}
_MACHINE = re.compile(r"compute/(?P<name>(?P<family>[a-z][0-9][a-z]?-[a-z]+)-(?P<count>[0-9]+)g?)")


@dataclass(frozen=True, slots=True)
class Shape:
    """One machine type. gpus: as many as it has, or as may be attached: gpu_apart, priced by themselves."""

    name: str
    cpu: float
    memory_gib: float
    gpu: str = ""
    gpus: float = 0
    gpu_apart: bool = False


def shapes(table: PriceTable) -> Iterator[Shape]:
    """Yield each machine type that is priced on demand; one that takes a T4 also with it."""
    for key in dict.fromkeys(row.key for row in table.rows):
        found = _MACHINE.fullmatch(key)
        if found is None:
            continue
        name, family, count = found["name"], found["family"], float(found["count"])
        if family in _GIB_PER_VCPU:
            gpu = "nvidia-l4" if family == "g2-standard" else ""
            yield Shape(name, count, count * _GIB_PER_VCPU[family], gpu, 1 if gpu else 0)
            if family == "n1-standard":
                yield Shape(name, count, count * _GIB_PER_VCPU[family], "nvidia-tesla-t4", 1, gpu_apart=True)
        elif family == "a2-highgpu":
            yield Shape(name, 12 * count, 85 * count, "nvidia-tesla-a100", count)
