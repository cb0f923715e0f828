"""Checks by trying whether torch can compute on a GPU here, because a driver and a GPU may not match it."""

import re
import warnings
from dataclasses import replace

from ..driver import Driver, cuda_of, nvidia_driver, remedy
from ..faults import DeviceUnusable
from .pretrained import first_line, pt

TO_COMPUTE_ON_THE_CPU = "To compute on the CPU, set DEVICE=cpu, or in a stack leave `gpu` out."
# torch, c10/cuda/CUDAFunctions.cpp: as cuDriverGetVersion answers.
_FOUND = re.compile(r"found version (\d+)")


def gpu_is_visible() -> bool:
    """Return whether torch reports a GPU."""
    with _no_warnings():
        return bool(pt.cuda.is_available())


def usable_gpu() -> str:
    """Compute on the first GPU, and return its name. Raises DeviceUnusable with the reason and what to do."""
    with _no_warnings():
        try:
            pt.cuda.init()
            (pt.ones(1, device="cuda") + 1).item()
            return str(pt.cuda.get_device_name(0))
        except Exception as error:  # torch raises RuntimeError, AssertionError and classes of its own
            raise _unusable(error) from None


def does_not_fit(error: Exception) -> DeviceUnusable:
    """Return the fault for a model that does not fit on a working GPU."""
    return DeviceUnusable(
        f"the GPU does not take the model: {_reason(error)}. Take a GPU with more memory, or a smaller "
        f"model. {TO_COMPUTE_ON_THE_CPU}"
    )


def _unusable(error: Exception) -> DeviceUnusable:
    cuda, reason = str(pt.version.cuda or ""), _reason(error)
    built = f"built for CUDA {cuda}" if cuda else "built without CUDA"
    return DeviceUnusable(
        f"torch {pt.__version__}, {built}, cannot compute on a GPU here: {reason}. "
        f"{remedy(_driver(reason), cuda)} {TO_COMPUTE_ON_THE_CPU}"
    )


def _reason(error: Exception) -> str:
    """Return the first line of the error, without torch's advice to look at its pages."""
    return first_line(error).partition(" Please ")[0].rstrip(".")


def _driver(reason: str) -> Driver:
    """Return this machine's driver, with its CUDA from torch's message if it is not known otherwise."""
    driver, found = nvidia_driver(), _FOUND.search(reason)
    return replace(driver, cuda=cuda_of(int(found[1]))) if found and not driver.cuda else driver


def _no_warnings() -> "warnings.catch_warnings[None]":
    """Silence warnings, which repeat the same reasons but are not JSON."""
    return warnings.catch_warnings(action="ignore")
