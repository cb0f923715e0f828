"""The device that a model computes on: the CPU, or the first NVIDIA GPU by CUDA."""

from dataclasses import dataclass
from typing import Literal

DeviceKind = Literal["cuda", "cpu"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device. gpu: its name, such as `NVIDIA L4`; None on the CPU."""

    kind: DeviceKind
    gpu: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} ({self.gpu})" if self.gpu else self.kind


CPU = Device("cpu")
