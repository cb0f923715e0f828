"""How many CPUs this process may use: the affinity mask, cut down by the cgroup's CPU quota (v1 or v2)."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC_CGROUP = Path("/proc/self/cgroup")
CGROUP_ROOT = Path("/sys/fs/cgroup")


def usable_cpus(proc_cgroup: Path = PROC_CGROUP, cgroup_root: Path = CGROUP_ROOT) -> int:
    """Return the whole CPUs, at least 1: a second thread on half a CPU is only throttled sooner."""
    affinity = len(os.sched_getaffinity(0))
    return max(1, int(min([affinity, *_quotas(proc_cgroup, cgroup_root)])))


def _quotas(proc_cgroup: Path, cgroup_root: Path) -> Iterator[float]:
    """Yield the CPUs granted by this group and each group above it; docs.kernel.org/admin-guide/cgroup-v2."""
    for version, group in cgroups("cpu", proc_cgroup, cgroup_root):
        if version == 2:
            quota, _, period = text_of(group / "cpu.max").partition(" ")
            yield from _cpus(quota, period)
        else:
            yield from _cpus(text_of(group / "cpu.cfs_quota_us"), text_of(group / "cpu.cfs_period_us"))


def cgroups(controller: str, proc_cgroup: Path, cgroup_root: Path) -> Iterator[tuple[int, Path]]:
    """Yield the folder of this process's group and of each group above it, each with its cgroup version."""
    for line in text_of(proc_cgroup).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from ((2, group) for group in _up_to(cgroup_root, path))
        elif controller in controllers.split(","):
            yield from ((1, group) for group in _up_to(cgroup_root / controllers, path))


def _up_to(root: Path, path: str) -> Iterator[Path]:
    """Yield the group, then its parents, up to the root, which is all that a container may see."""
    group = root / path.strip("/")
    while group != root:
        yield group
        group = group.parent
    yield root


def _cpus(quota: str, period: str) -> Iterator[float]:
    # "max" (v2), -1 (v1) and an absent file all mean: no limit here.
    if quota.strip().isdigit() and period.strip().isdigit():
        yield int(quota) / int(period)


def text_of(path: Path) -> str:
    """Return the content of the file; '' if it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""
