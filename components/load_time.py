"""How long a model takes from the start of its process until it is ready: measured, or estimated. Seconds.

An estimate is at the slow end, because it only sets how long to wait, which costs nothing when a start
succeeds.
"""

from collections.abc import Mapping
from typing import Any

MAX_LOAD_SECONDS = 3600.0
# For so many times the load a start is waited for on every target.
LOADS_OF_A_START = 3
# With that these rates cover the slowest starts reported: a 1.4 GB ONNX needed more than 4 minutes to boot
# (observ-ing/core#177); 3 GB took 54 s on Cloud Run's L4.
_CPU_GIB_PER_SECOND = 0.015
_GPU_GIB_PER_SECOND = 0.05
# The process alone: with torch 21 s were measured from a cold disk (docs/guides/container.md).
_START_SECONDS = {"onnx": 10.0, "ctranslate2": 10.0, "torch": 30.0}
_LEAST_SECONDS = 0.1
# Of a model of unknown size: it covers both of those, and 30 GB on a GPU at the second one's rate.
_UNKNOWN_SECONDS = 100.0
_UNKNOWN_GPU_SECONDS = 200.0


def load_seconds_of(manifest: Mapping[str, Any], cpu: float, gpu: bool) -> float:
    """Return the load time of a model whose manifest is available.

    `measured`, which `slipway fit --write` adds to it, is for one vCPU and a local disk. A cloud's disk may
    be slower, so the result is never less than reading the weights takes at the slow end.
    """
    size_gib = sum(file["bytes"] for file in manifest["files"].values()) / 2**30
    if measured := manifest.get("measured"):
        return _bounded(max(measured["load_seconds"] / min(cpu, 1), _reading_seconds(size_gib, gpu)))
    return estimated_load_seconds(size_gib, manifest.get("engine", "onnx"), cpu, gpu)


def unknown_load_seconds(gpu: bool) -> float:
    """Return the load time to assume for a model of which nothing is known."""
    return _UNKNOWN_GPU_SECONDS if gpu else _UNKNOWN_SECONDS


def estimated_load_seconds(size_gib: float, engine: str, cpu: float, gpu: bool) -> float:
    """Return the load time of a model of which only the size of its weights is known.

    engine: onnx, ctranslate2 or torch.
    """
    return _bounded(_START_SECONDS[engine] / min(cpu, 1) + _reading_seconds(size_gib, gpu))


def _reading_seconds(size_gib: float, gpu: bool) -> float:
    return size_gib / (_GPU_GIB_PER_SECOND if gpu else _CPU_GIB_PER_SECOND)


def _bounded(seconds: float) -> float:
    return round(min(max(seconds, _LEAST_SECONDS), MAX_LOAD_SECONDS), 2)
