"""Limits the memory of one process: by a cgroup if one can be made, else by watching its own memory.

Sizes are bytes. Linux cgroup v2 and v1 are tried in turn; elsewhere, and if neither may be written,
the supervisor watches the anonymous memory, because mapped weights can be dropped and do not count.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One memory cgroup that holds only the server."""

    folder: Path
    version: int

    def add_self(self) -> None:
        """Move the calling process into the group, so that all its memory counts.

        The child calls this between fork and exec.
        """
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak_bytes(self) -> int:
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return int(_read(self.folder / name) or 0)

    def killed_for_memory(self) -> bool:
        text = _read(self.folder / ("memory.events" if self.version == 2 else "memory.oom_control"))
        counts = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
        return int(counts.get("oom_kill", "0")) > 0

    def remove(self) -> None:
        """Remove the group if it is empty; one that still holds a process stays."""
        try:
            self.folder.rmdir()
        except OSError:
            return


def cgroup_with_limit(name: str, limit_bytes: int) -> Cgroup | None:
    """Create a cgroup with this limit and no swap; None if this user may not."""
    for version, parent in _parents():
        folder = parent / name
        try:
            folder.mkdir(exist_ok=True)
            _limit(folder, version, limit_bytes)
            return Cgroup(folder, version)
        except OSError:
            Cgroup(folder, version).remove()
    return None


def group_name(supervisor_pid: int) -> str:
    """Return the name of the cgroup that this supervisor makes for its server."""
    return f"slipway-{supervisor_pid}"


def anonymous_bytes(pid: int) -> int:
    """Return the memory that is the process's alone and cannot be dropped; 0 if the process is gone."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return memory.rss - getattr(memory, "shared", 0)


def charged_bytes(group: str, pid: int) -> int:
    """Return the anonymous memory charged to the process's cgroup, named `group`; 0 if it has none.

    It can exceed what the process has resident: of a huge page that is half freed, all stays charged.
    """
    for version, parent in _groups_of(_read(Path(f"/proc/{pid}/cgroup"))):
        if parent.name == group:
            lines = _read(parent / "memory.stat").splitlines()
            stat = dict(line.split() for line in lines)
            return int(stat.get("anon" if version == 2 else "rss", "0"))
    return 0


def _limit(folder: Path, version: int, limit_bytes: int) -> None:
    limit, swap = ("memory.max", "memory.swap.max") if version == 2 else ("memory.limit_in_bytes", "")
    (folder / limit).write_text(str(limit_bytes))
    if swap and (folder / swap).exists():
        (folder / swap).write_text("0")
    if version == 1 and (folder / "memory.memsw.limit_in_bytes").exists():
        (folder / "memory.memsw.limit_in_bytes").write_text(str(limit_bytes))


def _parents() -> list[tuple[int, Path]]:
    """Return where a child group could be made: in this process's groups or their parents, nearest first."""
    return [one for one in _groups_of(_read(Path("/proc/self/cgroup"))) if _controls_memory(*one)]


def _groups_of(listing: str) -> list[tuple[int, Path]]:
    """Return the folders that a /proc/<pid>/cgroup names for memory, each followed by its parents."""
    found: list[tuple[int, Path]] = []
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            roots = [(2, _ROOT), (2, _ROOT / "unified")]
        elif "memory" in controllers.split(","):
            roots = [(1, _ROOT / "memory")]
        else:
            continue
        own = Path(path.lstrip("/"))
        found += [(version, root / part) for version, root in roots for part in (own, *own.parents)]
    return found


def _controls_memory(version: int, folder: Path) -> bool:
    if version == 1:
        return folder.is_dir()
    return "memory" in _read(folder / "cgroup.subtree_control").split()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
