"""Writes a set of manifests into a folder, and deletes those of an earlier set; touches nothing else there.

A file counts as written here only if the list has its digest and its first line has the mark. An edited
file, a link, and whatever is behind a link stays. An interrupted run can be repeated, with any
settings.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.infra.errors import Failed, Refused
from slipway.infra.manifests.file_list import LIST, Written, is_plain, list_text, written_before
from slipway.infra.manifests.objects import MARK

# etcd takes objects of 1.5 MiB (etcd.io/docs, system limits): what is larger is no manifest.
_MOST_BYTES = 4 * 2**20


def write_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write the files, and delete those of an earlier set that are no longer generated.

    files: name below the folder -> text with the mark in its first line. Returns the names of files that are
    no longer generated but stay because they were edited. Raises Refused, after which nothing has changed,
    and Failed.
    """
    _require_names(files)
    _require_folder(folder)
    before = written_before(folder)
    contents = {name: text.encode() for name, text in files.items()}
    _require_own(folder, contents, before)
    gone = [name for name in before if name not in files and _is_old(folder, name, files)]
    own = [name for name in gone if _is_own(folder, name, before)]
    try:
        _swap_in(folder, contents, before, own)
    except OSError as error:
        raise Failed(
            f"{folder} cannot be written: {error.strerror}. Fix that and repeat the command; it writes "
            "what is still missing."
        ) from None
    return sorted(set(gone) - set(own))


def _require_names(files: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for name in files:
        if not is_plain(name):
            raise Refused(
                f"{name!r} cannot be a file's name: parts of letters, digits, `_`, `-` and `.` are allowed. "
                "Rename the object, or leave -o out."
            )
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise Refused(
                f"{min(name, twin)} and {max(name, twin)} differ in case alone, and not every system keeps "
                "two such files. Rename one of the objects, or leave -o out."
            )


def _require_folder(folder: Path) -> None:
    if folder.is_symlink() and not folder.exists():
        raise Refused(f"{folder} is a link to nowhere; name a folder with -o.")
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is a file; name a folder with -o.")


def _require_own(folder: Path, contents: Mapping[str, bytes], before: Written) -> None:
    """Raise Refused where a file would be written over one that is not its own, or behind a link."""
    foreign: set[str] = set()
    for name, content in contents.items():
        blocking = _blocking(folder, name)
        if blocking is not None and blocking.is_symlink():
            raise Refused(
                f"{blocking} is a link; `slipway manifests` writes only below {folder}. Delete the link, or "
                "name another folder with -o."
            )
        if blocking is not None:
            foreign.add(blocking.relative_to(folder).as_posix())
        elif not _may_be_replaced(folder, name, content, before):
            foreign.add(name)
    if foreign:
        raise Refused(
            f"{folder} holds {', '.join(sorted(foreign))}, which `slipway manifests` did not write, or which "
            "was changed since; nothing was written. Name another folder with -o, or move them away. What "
            "you change in a chart belongs in a values file of your own (`helm install -f`)."
        )


def _may_be_replaced(folder: Path, name: str, content: bytes, before: Written) -> bool:
    path = folder / name
    return not os.path.lexists(path) or _content(path) == content or _is_own(folder, name, before)


def _is_old(folder: Path, name: str, files: Mapping[str, str]) -> bool:
    """Return whether a name from the list leads to something that is not one of the new files.

    On a case-insensitive file system, an old name that differs only in case leads to the new file.
    """
    try:
        found = os.lstat(folder / name)
    except OSError:
        return False
    twins = [folder / each for each in files if each.casefold() == name.casefold()]
    return not any(os.path.lexists(twin) and os.path.samestat(found, os.lstat(twin)) for twin in twins)


def _is_own(folder: Path, name: str, before: Written) -> bool:
    """Return whether the file is as `slipway manifests` wrote it; an earlier version's list has no digest."""
    if _blocking(folder, name) is not None:
        return False
    content = _content(folder / name)
    named = [digests for each, digests in before.items() if each.casefold() == name.casefold()]
    if content is None or not named or MARK.encode() not in content.partition(b"\n")[0]:
        return False
    return any(not digests or _digest(content) in digests for digests in named)


def _blocking(folder: Path, name: str) -> Path | None:
    """Find the first part of the file's path that is a link or not a folder; None if there is none."""
    for parent in reversed(Path(name).parents[:-1]):
        path = folder / parent
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            return path
    return None


def _content(path: Path) -> bytes | None:
    """Read a regular file; None for anything else, including a link."""
    try:
        found = os.lstat(path)
        return path.read_bytes() if stat.S_ISREG(found.st_mode) and found.st_size <= _MOST_BYTES else None
    except OSError:
        return None


def _swap_in(folder: Path, contents: Mapping[str, bytes], before: Written, own: list[str]) -> None:
    """Write everything aside first, then move it into place: a full disk changes nothing.

    While files are moved, the list has both what was there and what comes, so that each stays its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = [(name, _digest(content)) for name, content in contents.items()]
    old = [(name, digest) for name, digests in before.items() for digest in digests]
    old += [(name, _digest(_content(folder / name) or b"")) for name in before if not before[name]]
    with TemporaryDirectory(prefix=f"{LIST}-", dir=folder) as aside:
        staged = {
            name: _staged(Path(aside) / str(number), content)
            for number, (name, content) in enumerate(contents.items())
            if _content(folder / name) != content
        }
        both, alone = (
            _staged(Path(aside) / name, list_text(pairs).encode())
            for name, pairs in (("both", [*old, *new]), ("alone", new))
        )
        os.replace(both, folder / LIST)
        for name, path in staged.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, folder / name)
        for name in own:
            os.unlink(folder / name)
        os.replace(alone, folder / LIST)


def _staged(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
