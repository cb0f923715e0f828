"""A kind of source: how it is recognised, where it is converted, and whether opening it runs its code.

Standard library only, apart from the faults: it is imported in every environment that converts.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from slipway.service.faults import BadModel, BadSettings

from .converted import refuse_converted

# `bucket`: nothing is converted, and the caller fetches it with a login that is not given to this process.
Environment = Literal["server", "torch", "tables", "bucket"]
# github.com/git-lfs/git-lfs/blob/main/docs/spec.md: a pointer's first line, and its greatest size.
_LFS, _MOST_POINTER_BYTES = b"version https://git-lfs.github.com/spec/", 1024
_MOST_NAMES_SHOWN = 8
# What is no path; of an address that was read as one, two slashes became one.
_ADDRESSES = ("hf:", "gs:/", "s3:/")


@dataclass(frozen=True, slots=True)
class Kind:
    """environment: what converts it needs. runs_code: opening it runs code that it holds."""

    words: str
    environment: Environment
    recognises: Callable[[Path], bool]
    files: Callable[[Path], list[Path]]
    """The files that are read, to be checked before they are opened."""
    runs_code: bool = False


def itself(source: Path) -> list[Path]:
    return [source]


def beginning(path: Path, length: int = 4096) -> bytes:
    """Return a file's first bytes; none if it is no file that can be read."""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""


def kinds() -> Iterator[tuple[str, Kind]]:
    """Yield the name and the kind of each module of the package `kinds`."""
    package = import_module(f"{__package__}.kinds")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        yield module.name, import_module(f"{package.__name__}.{module.name}").KIND


def kind_of(source: Path) -> tuple[str, Kind]:
    """Return the name and the kind of a source. Raises BadSettings, or BadModel for one of no known kind."""
    if not str(source).startswith(_ADDRESSES) and not source.exists():
        raise BadSettings(
            f"SOURCE: got {str(source)[:200]!r}, which is no file or folder here; allowed are {_known()}."
        )
    _refuse_pointers([source])
    refuse_converted(source)
    found = next(((name, kind) for name, kind in kinds() if kind.recognises(source)), None)
    if found is None:
        raise BadModel(f"{source} is of no known kind; it {_held(source)}. Known are {_known()}.")
    _refuse_pointers(found[1].files(source))
    return found


def _refuse_pointers(paths: list[Path]) -> None:
    for path in paths:
        if path.is_file() and path.stat().st_size <= _MOST_POINTER_BYTES and beginning(path).startswith(_LFS):
            raise BadModel(
                f"{path} is a Git LFS pointer, not the file itself. Fetch it: `git lfs pull` in its "
                "repository; then run this again."
            )


def _known() -> str:
    return "; ".join(kind.words for _, kind in kinds())


def _held(source: Path) -> str:
    if source.is_file():
        return f"begins with {beginning(source, 16)!r}"
    names = sorted(path.name for path in source.iterdir())
    more = f" and {len(names) - _MOST_NAMES_SHOWN} more" if len(names) > _MOST_NAMES_SHOWN else ""
    return f"holds {', '.join(names[:_MOST_NAMES_SHOWN]) or 'nothing'}{more}"
