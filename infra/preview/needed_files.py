"""Chooses what of a commit its program may read. Pure.

A program reads its own folders, and what a stack's file names, such as a model's folder. Of everything else
but tests and prose small files are taken, in case; folders that are large all the same are data.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

# The folders of Slipway's own program, in whatever commit.
_OWN = frozenset({"components", "infra", "modeltools", "policy", "service", "slipway", "stacks"})
# At the top of a project, folders that its program does not read unless a stack's file names them.
NO_PROGRAM = frozenset({".ci", ".github", "bench", "docs", "test", "tests"})
_SMALL_BYTES = 2**20
_FOLDER_MOST_BYTES, _FOLDER_MOST_FILES = 32 * 2**20, 5000
_PATH = re.compile(r"[\w./-]+")


def top_of(path: str) -> str:
    """Return the folder at the top that a path leads into; '' for what lies at the top itself."""
    return path.partition("/")[0] if "/" in path else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree. path: relative, with slashes. mode, name: as git writes them. size: in bytes."""

    path: str
    mode: str
    name: str
    size: int

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"

    @property
    def top(self) -> str:
        """Return the folder at the top that it lies in; '' for what lies at the top itself."""
        return top_of(self.path)

    @property
    def stays_inside(self) -> bool:
        """Return whether the path leads into the folder; git keeps others out of its index, not of a tree."""
        parts = self.path.split("/")
        return not {"", ".", ".."}.intersection(parts) and ".git" not in {part.lower() for part in parts}


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """Return what in the texts of stack files could be a path of the project."""
    found = (name.removeprefix("./").strip("/") for text in texts for name in _PATH.findall(text))
    return frozenset(name for name in found if name not in ("", "."))


def is_needed(entry: Entry, named: frozenset[str]) -> bool:
    """Return whether it is part of the program, or of a folder that a stack's file names."""
    if entry.top in _OWN:
        return True
    path = PurePosixPath(entry.path)
    return any(str(folder) in named for folder in (path, *path.parents))


def chosen(entries: Iterable[Entry], named: frozenset[str]) -> tuple[list[Entry], list[str]]:
    """Return what is checked out, and the names at the top of which something is left out."""
    entries = [each for each in entries if each.top not in NO_PROGRAM or is_needed(each, named)]
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for entry in entries:
        if entry.size <= _SMALL_BYTES and not is_needed(entry, named):
            sizes[entry.top] += entry.size
            files[entry.top] += 1
    large = {top for top in files if sizes[top] > _FOLDER_MOST_BYTES or files[top] > _FOLDER_MOST_FILES}
    kept: list[Entry] = []
    without: dict[str, None] = {}
    for entry in entries:
        is_small = entry.size <= _SMALL_BYTES and entry.top not in large
        if is_small or is_needed(entry, named) or not entry.is_file:
            kept.append(entry)
        else:
            without[entry.top or entry.path] = None
    return kept, list(without)
