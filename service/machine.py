"""What this process may use beside CPUs: memory, as the cgroup limits it (v1 or v2), and a GPU."""

import os
from collections.abc import Iterator
from pathlib import Path

from .cpus import CGROUP_ROOT, PROC_CGROUP, cgroups, text_of

LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
DEVICES = Path("/dev")


def usable_memory_bytes(proc_cgroup: Path = PROC_CGROUP, cgroup_root: Path = CGROUP_ROOT) -> int:
    """The lowest limit of this group and those above it, at most the machine's memory."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_limits(proc_cgroup, cgroup_root)])


def _limits(proc_cgroup: Path, cgroup_root: Path) -> Iterator[int]:
    """docs.kernel.org/admin-guide/cgroup-v2: "max", or an absent file, is no limit; v1 says a huge number."""
    for version, group in cgroups("memory", proc_cgroup, cgroup_root):
        limit = text_of(group / LIMIT_FILES[version]).strip()
        if limit.isdigit():
            yield int(limit)


def has_gpu(devices: Path = DEVICES) -> bool:
    """Whether an NVIDIA device is there, told without loading a runtime: /dev/nvidia0, or another number."""
    return any(devices.glob("nvidia[0-9]*"))
