"""The resources of this process apart from CPUs: memory, as the cgroup limits it (v1 or v2), and a GPU."""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from .cpus import CGROUP_ROOT, PROC_CGROUP, cgroups, text_of

LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
DEVICES = Path("/dev")


def usable_memory_bytes(proc_cgroup: Path = PROC_CGROUP, cgroup_root: Path = CGROUP_ROOT) -> int:
    """Return the lowest limit of this group and those above it, or the machine's memory if that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_limits(proc_cgroup, cgroup_root)])


def _limits(proc_cgroup: Path, cgroup_root: Path) -> Iterator[int]:
    """Yield the limits of the groups, skipping "max" and absent files; v1 states a huge number for none.

    docs.kernel.org/admin-guide/cgroup-v2
    """
    for version, group in cgroups("memory", proc_cgroup, cgroup_root):
        limit = text_of(group / LIMIT_FILES[version]).strip()
        if limit.isdigit():
            yield int(limit)


def used_memory_bytes(statm: Path = Path("/proc/self/statm")) -> int:
    """Return the memory of this process that no file backs; where /proc does not say, its peak."""
    numbers = text_of(statm).split()
    if len(numbers) < 3:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak << 10
    return (int(numbers[1]) - int(numbers[2])) * os.sysconf("SC_PAGE_SIZE")


def has_gpu(devices: Path = DEVICES) -> bool:
    """Return whether an NVIDIA device exists, without loading a runtime: /dev/nvidia0, or another."""
    return any(devices.glob("nvidia[0-9]*"))
