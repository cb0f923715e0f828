import os
from pathlib import Path

import pytest

from slipway.service.machine import has_gpu, usable_memory_bytes

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
MIB = 1 << 20


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/a\n", {"a/memory.max": f"{64 * MIB}\n"}, 64 * MIB),
        ("0::/a\n", {"a/memory.max": "max\n"}, PHYSICAL),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": f"{32 * MIB}\n"}, 32 * MIB),
        ("4:memory:/x\n", {"memory/x/memory.limit_in_bytes": f"{16 * MIB}\n"}, 16 * MIB),
        ("4:memory:/x\n", {"memory/x/memory.limit_in_bytes": "9223372036854771712\n"}, PHYSICAL),
        ("", {}, PHYSICAL),
    ],
    ids=["v2", "v2 max", "parent", "v1", "v1 no limit", "none"],
)
def test_the_lowest_memory_limit_counts(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
):
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "membership").write_text(membership)
    assert usable_memory_bytes(tmp_path / "membership", tmp_path / "cgroup") == expected


def test_a_gpu_is_an_nvidia_device_with_a_number(tmp_path: Path):
    (tmp_path / "nvidiactl").touch()
    assert not has_gpu(tmp_path)
    (tmp_path / "nvidia3").touch()
    assert has_gpu(tmp_path)
