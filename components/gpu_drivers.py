"""NVIDIA drivers: which CUDA each runs, and which driver the GPUs of each target have. Pure tables.

An image for a newer CUDA than the driver knows finds no GPU. Within a major version of CUDA a driver runs
every minor one; for a newer major version an image can bring NVIDIA's forward-compatibility package.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html: the oldest driver branch that
# runs each major version of CUDA.
LEAST_DRIVER: Mapping[int, int] = {11: 450, 12: 525, 13: 580}
CUDA = re.compile(r"(?P<major>[1-9][0-9]?)\.[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Driver:
    """branch: the first number of its version. cuda: the newest CUDA that it knows."""

    branch: int
    cuda: str

    def __str__(self) -> str:
        return f"{self.branch} (CUDA {self.cuda})"


# docs.cloud.google.com/run/docs/configuring/services/gpu, "Supported GPU types": 535.216.03 and 580.x. Google
# installs them; nobody else can.
CLOUD_RUN: Mapping[str, Driver] = {
    "nvidia-l4": Driver(535, "12.2"),
    "nvidia-rtx-pro-6000": Driver(580, "13.0"),
}
# github.com/rapidsai/deployment/issues/656 and pull/659 (2026-02): GKE's default installed 535.274, and its
# latest 580.65 or newer. By GpuDriver's values; with installation disabled it is not known.
GKE: Mapping[str, Driver] = {"DEFAULT": Driver(535, "12.2"), "LATEST": Driver(580, "13.0")}


def cuda_faults(cuda: str) -> Iterator[str]:
    """cuda: what an image was built for, such as `13.2`; '' where it is not known, which is no fault."""
    if cuda and least_driver(cuda) is None:
        known = ", ".join(f"{major}.x" for major in LEAST_DRIVER)
        yield f"cuda_version is {cuda!r}; known are {known}, such as 13.2."


def least_driver(cuda: str) -> int | None:
    """The oldest driver branch that runs it; None where that is not known."""
    found = CUDA.fullmatch(cuda)
    return LEAST_DRIVER.get(int(found["major"])) if found else None


def is_too_old(driver: Driver, cuda: str) -> bool:
    """Whether an image for this CUDA cannot run on it as it is; False where the CUDA is not known."""
    least = least_driver(cuda)
    return least is not None and driver.branch < least


def required(cuda: str) -> str:
    """In words, which driver the nodes must have for an image of this CUDA; '' is any CUDA."""
    least = least_driver(cuda)
    if least is not None:
        return f"the image has CUDA {cuda}, which needs NVIDIA driver {least} or newer"
    drivers = (
        f"{driver} or newer for CUDA {major}" for major, driver in sorted(LEAST_DRIVER.items(), reverse=True)
    )
    return f"the image's CUDA decides which NVIDIA driver is needed: {', '.join(drivers)}"
