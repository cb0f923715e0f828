"""NVIDIA drivers: which CUDA each runs, and which driver the GPUs of each target have. Pure tables.

An image for a newer CUDA than the driver supports finds no GPU. Within a major version of CUDA a driver runs
every minor one; for a newer major version an image can bring NVIDIA's forward-compatibility package.
"""

import re
from collections.abc import Iterator, Mapping

from .fault import Fault

# service/Dockerfile, CUDA_VERSION: of the image with CUDA that is built here.
IMAGE_CUDA = "13.2"
# docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html: the oldest driver branch that
# runs each major version of CUDA.
LEAST_DRIVER: Mapping[int, int] = {11: 450, 12: 525, 13: 580}
CUDA = re.compile(r"(?P<major>[1-9][0-9]?)\.[0-9]{1,2}")


# docs.cloud.google.com/run/docs/configuring/services/gpu, "Supported GPU types": 535.216.03 (CUDA 12.2) and
# 580.x (CUDA 13.0). Only Google can install them.
CLOUD_RUN: Mapping[str, int] = {"nvidia-l4": 535, "nvidia-rtx-pro-6000": 580}
# github.com/rapidsai/deployment/issues/656 and pull/659 (2026-02): GKE's default installed 535.274 (CUDA
# 12.2), and its latest 580.65 or newer. By the values of GpuDriver; where GKE installs none it is not known.
GKE: Mapping[str, int] = {"DEFAULT": 535, "LATEST": 580}


def least_driver(cuda: str) -> int | None:
    """Return the oldest driver branch that runs images for this CUDA; None if that is not known."""
    found = CUDA.fullmatch(cuda)
    return LEAST_DRIVER.get(int(found["major"])) if found else None


def is_too_old(driver: int, cuda: str) -> bool:
    """Return whether an image for this CUDA finds no GPU with the driver; False if the CUDA is not known."""
    least = least_driver(cuda)
    return least is not None and driver < least


def compat_package(cuda: str) -> str:
    """Return NVIDIA's package that adds to an image the part of a newer driver that it needs.

    docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html: on data centre GPUs, such as the L4.
    That of CUDA 13.0 on driver 535: github.com/NVIDIA-NeMo/labs-molt/pull/44 (2026-07).
    """
    return f"cuda-compat-{cuda.replace('.', '-')}" if cuda else "cuda-compat-<its CUDA>"


def version_faults(cuda: str) -> Iterator[Fault]:
    """Yield what is wrong with a version of CUDA. cuda: the argument `cuda_version`; '' if not given."""
    if cuda and least_driver(cuda) is None:
        known = ", ".join(f"{major}.x" for major in LEAST_DRIVER)
        yield Fault("cuda_version", repr(cuda), f"known are {known}, such as 13.2")


def driver_warnings(nodes: str, driver: int | None, cuda: str) -> Iterator[str]:
    """Warn of what an image needs that cannot be checked here.

    nodes: whose driver it is. cuda: '' if not known.
    """
    if driver is None:
        yield (
            f"the NVIDIA driver of {nodes} is not known; {_needed(cuda)}. On an older one no instance starts."
        )
    elif not cuda and (runs := _newest_cuda(driver)) < max(LEAST_DRIVER):
        yield (
            f"the NVIDIA driver of {nodes} is {driver}, which runs images for CUDA {runs}.x and older. No "
            f"instance of another image starts, unless it brings NVIDIA's {compat_package(cuda)}."
        )


def _needed(cuda: str) -> str:
    least = least_driver(cuda)
    if least is not None:
        return f"the image has CUDA {cuda}, which needs driver {least} or newer"
    needs = (f"CUDA {major}.x needs driver {driver} or newer" for major, driver in LEAST_DRIVER.items())
    return f"the image's CUDA decides which it must be: {', '.join(needs)}"


def _newest_cuda(driver: int) -> int:
    """Return the newest major version of CUDA that the driver runs; 0 if it is older than all."""
    return max((major for major, least in LEAST_DRIVER.items() if least <= driver), default=0)
