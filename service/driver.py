"""The NVIDIA driver of this machine, read without loading torch, and what to do if it does not fit."""

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .cpus import text_of

# docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html: the oldest driver branch that
# runs each major version of CUDA.
LEAST_DRIVER: Mapping[int, int] = {11: 450, 12: 525, 13: 580}
# Written by the kernel module; containers see it too.
VERSION_FILE = Path("/proc/driver/nvidia/version")
LIBRARY = "libcuda.so.1"
_VERSION = re.compile(r"^NVRM version: .*?\b(\d{3}\.\d+(?:\.\d+)?)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver.

    version: such as `535.216.03`. cuda: the newest CUDA that it runs, such as `12.2`. '': not known.
    """

    version: str = ""
    cuda: str = ""


def nvidia_driver(version_file: Path = VERSION_FILE, library: str = LIBRARY) -> Driver:
    found = _VERSION.search(text_of(version_file))
    return Driver(found[1] if found else "", _known_cuda(library))


def cuda_of(number: int) -> str:
    """Convert a version that CUDA states as 1000 * major + 10 * minor to a string such as `12.2`."""
    return f"{number // 1000}.{number % 1000 // 10}"


def remedy(driver: Driver, cuda: str) -> str:
    """Describe the driver and what to do, in sentences. cuda: what torch was built for; '' for no CUDA."""
    if not cuda:
        return "This torch has no CUDA: build the image with --build-arg VARIANT=cuda."
    least = LEAST_DRIVER.get(int(cuda.partition(".")[0]))
    needs = f"CUDA {cuda} needs driver {least} or newer" if least else f"CUDA {cuda} needs a newer driver"
    if driver == Driver():
        return (
            f"No NVIDIA driver was found, and {needs}. Give the container a GPU (`--gpus all` of "
            "Docker, `nvidia.com/gpu` of a pod), and the machine a driver."
        )
    is_ = f"The driver is {driver.version or 'of an unknown version'}" + (
        f" and knows CUDA {driver.cuda}" if driver.cuda else ""
    )
    if not _is_older(driver, cuda, least):
        return f"{is_}."
    older = f"CUDA {driver.cuda} or older" if driver.cuda else "an older CUDA"
    return f"{is_}; {needs}. Install one, or take an image for {older}."


def _is_older(driver: Driver, cuda: str, least: int | None) -> bool:
    """Return whether the driver is too old, by its branch or else by the major version of its CUDA."""
    if driver.version and least:
        return int(driver.version.partition(".")[0]) < least
    return bool(driver.cuda) and int(driver.cuda.partition(".")[0]) < int(cuda.partition(".")[0])


def _known_cuda(library: str) -> str:
    """Return the newest CUDA that the driver runs; asking for it needs no GPU.

    docs.nvidia.com/cuda/cuda-driver-api, version management.
    """
    version = ctypes.c_int()
    try:
        failed = ctypes.CDLL(library).cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return ""
    return "" if failed else cuda_of(version.value)
