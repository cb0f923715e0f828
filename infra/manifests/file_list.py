"""Keeps the list of the files that `slipway manifests` wrote into a folder, with their digests.

One line per file, as `sha256sum` writes it: 64 hexadecimal digits, two spaces, the name below the folder.
Lists of earlier versions hold only names. A list may have been edited, so it is checked before use.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.infra.errors import Refused

LIST = ".slipway-manifests"
# A stack makes about ten objects; a line is at most 64 + 2 + 4 * 201 bytes.
_MOST_BYTES = 2**20
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}"
_NAME = re.compile(rf"(?:{_PART}/){{0,3}}{_PART}")
_LINE = re.compile(rf"(?:(?P<digest>[0-9a-f]{{64}})  )?(?P<name>{_NAME.pattern})")

# Name -> digests of what may have been written there: none by an earlier version, two after an interruption.
Written = Mapping[str, frozenset[str]]


def is_plain(name: str) -> bool:
    """Return whether a name leads to a file below the folder and nowhere else."""
    return _NAME.fullmatch(name) is not None


def written_before(folder: Path) -> Written:
    """Return what the list of the folder holds, nothing where there is none. Raises Refused for a bad one."""
    path = folder / LIST
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return {}
    if not stat.S_ISREG(mode):
        kind = "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "special file"
        raise _unusable(folder, f"{path} is a {kind}, not the list that `slipway manifests` writes")
    found: dict[str, frozenset[str]] = {}
    for number, line in enumerate(_lines(folder, path), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise _unusable(
                folder,
                f"{path}, line {number}: {line[:100]!r} is not the name of a file below {folder} (parts of "
                "letters, digits, `_`, `-` and `.` with `/` between them, with or without a SHA-256 before)",
            )
        digests = {match["digest"]} if match["digest"] else set[str]()
        found[match["name"]] = found.get(match["name"], frozenset()) | digests
    return found


def list_text(written: Iterable[tuple[str, str]]) -> str:
    """Return the text of a list. written: pairs of name and digest."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(set(written)))


def _lines(folder: Path, path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}. Nothing was written or deleted.") from None
    if len(content) > _MOST_BYTES:
        raise _unusable(folder, f"{path} is larger than 1 MiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _unusable(folder, f"{path} is not UTF-8 text") from None
    return text.removesuffix("\n").split("\n") if text else []


def _unusable(folder: Path, why: str) -> Refused:
    return Refused(
        f"{why}. Nothing was written or deleted. Delete the list and the files that `slipway manifests` made "
        f"in {folder}, or name another folder with -o."
    )
