"""Writes what a program reads of another commit into a folder: git's objects, without index or filters.

Neither the work tree nor `.git` is touched. Attributes such as `export-ignore` have no effect;
files of Git LFS and submodules are taken from this machine where they are here, and named where they are not.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, cast

from slipway.infra.preview.base_commit import git, git_program, run_git
from slipway.infra.preview.needed_files import Entry, chosen, is_needed, names_in

_LFS = b"version https://git-lfs.github.com/spec/v1"
_LFS_MOST_BYTES = 1024
_CHUNK = 2**20


@dataclass
class Checkout:
    """A folder that is filled. notes: what of the commit is not in it, in sentences."""

    root: Path
    notes: list[str] = field(default_factory=list[str])


def check_out(repository: Path, tree: str, label: str, into: Path) -> Checkout:
    """Write the files of a tree. tree: such as `<commit>:` or `<commit>:folder/`. label: for the notes."""
    checkout = Checkout(into)
    entries = list(entries_of(repository, tree))
    with _Blobs(repository) as blobs:
        named = names_in(
            blobs.text(each)
            for each in entries
            if PurePosixPath(each.path).match("Pulumi*.yaml") and each.size
        )
        kept, without = chosen(entries, named)
        absent: list[str] = []
        for each in (one for one in kept if one.is_file):
            blobs.write(each, into / each.path)
            if each.size <= _LFS_MOST_BYTES and is_needed(each, named):
                absent += _fetched_from_lfs(repository, each, into / each.path)
        _link([each for each in kept if each.is_link], blobs, checkout, label)
    if absent:
        checkout.notes.append(
            f"At {label} these files of Git LFS are not on this machine: {_listed(absent)}."
        )
    for each in kept:
        if each.is_submodule:
            _submodule(repository, each, label, checkout)
    if without:
        checkout.notes.append(
            f"Large, named by no stack and so not checked out of {label}: {_listed(without)}."
        )
    return checkout


def entries_of(repository: Path, tree: str) -> Iterator[Entry]:
    """Yield the entries of a tree; none of a tree that does not exist. A name that leads out is left out."""
    done = subprocess.run(
        [git_program(), "ls-tree", "-r", "-l", "-z", "--full-tree", tree],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    for line in done.stdout.split(b"\0"):
        head, tab, path = line.partition(b"\t")
        if tab:
            mode, _, name, size = head.decode().split()
            entry = Entry(os.fsdecode(path), mode, name, int(size) if size.isdigit() else 0)
            if entry.stays_inside:
                yield entry


class _Blobs:
    """Reads blobs through one `git cat-file`, a piece at a time."""

    def __init__(self, repository: Path) -> None:
        self._process = subprocess.Popen(
            [git_program(), "cat-file", "--batch"],
            cwd=repository,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._folders: set[Path] = set()

    def __enter__(self) -> "_Blobs":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        source, sink = cast("IO[bytes]", self._process.stdout), cast("IO[bytes]", self._process.stdin)
        sink.write(f"{entry.name}\n".encode())
        sink.flush()
        head = source.readline().split()
        left = int(head[2]) if len(head) == 3 else -1
        while left > 0:
            piece = source.read(min(left, _CHUNK))
            left -= len(piece)
            yield piece
        if left == 0:
            source.read(1)

    def text(self, entry: Entry) -> str:
        return b"".join(self._pieces(entry)).decode(errors="replace")

    def write(self, entry: Entry, path: Path) -> None:
        """Write a file that does not exist yet, in folders that are none of the commit's links."""
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o755 if entry.mode == "100755" else 0o644), "wb") as file:
            for piece in self._pieces(entry):
                file.write(piece)


def _link(entries: Iterable[Entry], blobs: _Blobs, checkout: Checkout, label: str) -> None:
    """Make the symbolic links, last; those that leave the folder, alone or together, are removed again."""
    made: list[tuple[str, Path]] = []
    for each in entries:
        path = checkout.root / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        target = blobs.text(each)
        if target and "\0" not in target and not os.path.lexists(path):
            path.symlink_to(target)
            made.append((each.path, path))
    leaving = [(name, path) for name, path in made if not _stays(path, checkout.root)]
    for _, path in leaving:
        path.unlink()
    if leaving:
        names = _listed([name for name, _ in leaving])
        checkout.notes.append(f"Symbolic links of {label} that leave its folder are not followed: {names}.")


def _stays(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop leads nowhere
        return True


def _fetched_from_lfs(repository: Path, entry: Entry, path: Path) -> list[str]:
    """Put a file of Git LFS in the place of its pointer. Returns its name where it is not on this machine."""
    text = path.read_bytes()
    if not text.startswith(_LFS):
        return []
    fields = dict(line.split(" ", 1) for line in text.decode(errors="replace").splitlines() if " " in line)
    digest = fields.get("oid", "").removeprefix("sha256:")
    if not digest.isalnum():
        return [entry.path]
    common = (repository / git(repository, "rev-parse", "--git-common-dir").strip()).resolve()
    stored = common / "lfs/objects" / digest[:2] / digest[2:4] / digest
    for source in (stored, repository / entry.path):
        if (
            source.is_file()
            and not source.is_symlink()
            and _has_digest(source, digest, fields.get("size", ""))
        ):
            shutil.copyfile(source, path)
            return []
    return [entry.path]


def _has_digest(path: Path, digest: str, size: str) -> bool:
    if str(path.stat().st_size) != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _submodule(repository: Path, entry: Entry, label: str, checkout: Checkout) -> None:
    """Check a submodule out from its own repository, if that is here with the commit."""
    folder = repository / entry.path
    inside = run_git(folder, "rev-parse", "--show-toplevel") if folder.is_dir() else None
    is_own = inside is not None and Path(inside.stdout.strip()).resolve() == folder.resolve()
    if not is_own or run_git(folder, "cat-file", "-e", f"{entry.name}^{{commit}}").returncode:
        checkout.notes.append(
            f"At {label} the submodule {entry.path} is at {entry.name[:12]}, which is not on this machine: "
            "its files are missing on that side. `git submodule update --init` fetches today's."
        )
        return
    into = checkout.root / entry.path
    into.mkdir(parents=True, exist_ok=True)
    checkout.notes += check_out(folder, f"{entry.name}:", f"{label}, {entry.path}", into).notes


def _listed(names: list[str]) -> str:
    shown = [repr(name)[1:-1] for name in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
