"""Whether the files of a model's folder are the ones that its manifest lists. Reads them; sizes are bytes."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

# github.com/git-lfs/git-lfs, docs/spec.md: what stands for a file until it is fetched.
_LFS_START = b"version https://git-lfs.github.com/spec/"
# The longest pointer that the specification allows.
_LFS_BYTES = 1024


def lfs_pointers(folder: Path, names: Iterable[str]) -> list[str]:
    """Return which of these files are pointers of Git LFS, whose content was not fetched."""
    return [name for name in names if _is_pointer(folder / name)]


def _is_pointer(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > _LFS_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(len(_LFS_START)) == _LFS_START


def wrong_sizes(folder: Path, files: Mapping[str, Any]) -> list[str]:
    """Describe the files that have another size than the manifest says. files: of the manifest."""
    sizes = {name: (folder / name).stat().st_size for name in files}
    return [
        f"{name} has {size} bytes, not {files[name]['bytes']}"
        for name, size in sizes.items()
        if size != files[name]["bytes"]
    ]


def wrong_contents(folder: Path, files: Mapping[str, Any]) -> list[str]:
    """Return the files whose SHA-256 is not the manifest's. Reads them whole."""
    return [name for name, file in files.items() if file_digest(folder / name) != file["sha256"]]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; one that has not changed since is not read again."""
    found = path.stat()
    return _digest(os.path.realpath(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=4096)
def _digest(path: str, *_identity: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
