"""Stands for torch where it is not installed: the GPU is as FAKE_GPU says, and numpy computes.

FAKE_GPU: `usable`, or one of FAULTS, whose words are torch's own; not set: there is none.
"""

import contextlib
import os
import warnings
from typing import Any

import numpy as np

# torch 2.x, c10/cuda/CUDAFunctions.cpp, torch/cuda/__init__.py and CUDA's own text of its error 209.
FAULTS = {
    "old driver": "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU "
    "driver by downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx",
    "no driver": "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and "
    "installed a driver from http://www.nvidia.com/Download/index.aspx",
    "hidden": "No CUDA GPUs are available",
    "bad kernel": "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors "
    "might be asynchronously reported at some other API call.",
    "full": "CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has a total capacity of 1.00 GiB.",
}
_GPU = os.environ.get("FAKE_GPU", "no driver")

__version__ = "2.15.0"
float32, bfloat16 = "float32", "bfloat16"


class _Version:
    cuda = "13.2"


class _Cuda:
    def is_available(self) -> bool:
        available = _GPU in ("usable", "bad kernel", "full")
        if not available and _GPU != "no driver":  # of a driver that is not there torch says nothing
            warnings.warn(f"CUDA initialization: {FAULTS[_GPU]}", UserWarning, stacklevel=2)
        return available

    def init(self) -> None:
        if not self.is_available():
            raise RuntimeError(FAULTS[_GPU])

    def get_device_name(self, device: int) -> str:
        return f"NVIDIA L4 number {device}"

    def is_bf16_supported(self, including_emulation: bool) -> bool:
        return True


class Tensor:
    def __init__(self, array: Any, device: str) -> None:
        self.array, self.device = array, device

    def to(self, device: str, dtype: str = "") -> "Tensor":
        return Tensor(self.array, device)

    def numpy(self) -> Any:
        if self.device != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        return self.array

    def __add__(self, other: int) -> "Tensor":
        return Tensor(self.array + other, self.device)

    def item(self) -> float:
        if self.device == "cuda" and _GPU == "bad kernel":
            raise RuntimeError(FAULTS[_GPU])
        return float(self.array[0])


version, cuda = _Version(), _Cuda()


def set_num_threads(count: int) -> None:
    del count


def from_numpy(array: Any) -> Tensor:
    return Tensor(array, "cpu")


def ones(size: int, device: str) -> Tensor:
    return Tensor(np.ones(size), device)


def inference_mode() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()
