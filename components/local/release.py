"""The releases of a local service: what each runs, since when, and why it was taken back.

A release is one version of the service with its settings, under a number that never comes back.
`release.json` in its folder is all that is known of it; the newest few are kept (kept_files.py). Times are
seconds since the epoch. Knows nothing of Pulumi.
"""

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from .private import make_private
from .record import RELEASES, RecordError, read_json, release_folder, write_json

KEPT_RELEASES = 5
_RECORD = "release.json"
_GIT_SECONDS = 5
# What a release runs: another value of any is another release.
RELEASE_INPUTS = (
    "port",
    "cpu",
    "memory_gib",
    "timeout_seconds",
    "model",
    "model_folder",
    "model_digest",
    "expected_model",
    "code_digest",
    "jobs",
    "worker_memory_gib",
)


@dataclass(frozen=True, slots=True)
class Release:
    """One release. inputs: of the process, without its key.

    api_key: None where its owner keeps it elsewhere. repeats: the release that it brings back; 0: none.
    ended_because: why it was taken back; '' if it was not. may_return: whether `up` may bring it
    again all the same.
    """

    number: int
    inputs: dict[str, Any]
    created_at: float
    commit: str = ""
    api_key: str | None = field(default=None, repr=False)
    repeats: int = 0
    served_from: float | None = None
    served_until: float | None = None
    ended_because: str = ""
    may_return: bool = False

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.inputs)

    @property
    def model_version(self) -> str:
        """Return the server's name for the model; '' for a service that may serve any."""
        return str(self.inputs.get("expected_model", ""))

    def write(self, folder: Path) -> None:
        """Write its record. folder: of the service."""
        write_json(release_folder(folder, self.number) / _RECORD, asdict(self))

    @classmethod
    def read(cls, folder: Path, number: int) -> Self | None:
        """Return the release with this number; None if it is not kept. Raises RecordError."""
        path = release_folder(folder, number) / _RECORD
        data = read_json(path)
        try:
            return None if data is None else cls(**data)
        except TypeError:
            raise RecordError(f"{path} is damaged. Delete the folder {path.parent}.") from None


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """Return what two releases that run the same have in common."""
    text = json.dumps([inputs.get(name) for name in RELEASE_INPUTS])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def releases(folder: Path) -> list[Release]:
    """Return the releases that are kept, the newest first."""
    found = (Release.read(folder, number) for number in _numbers(folder))
    return [release for release in found if release is not None]


def new_release(folder: Path, inputs: Mapping[str, Any], api_key: str | None, repeats: int = 0) -> Release:
    """Record a new release, which does not run yet."""
    number = max(_numbers(folder), default=0) + 1
    make_private(folder)
    make_private(release_folder(folder, number))
    release = Release(number, dict(inputs), time.time(), project_commit(), api_key, repeats)
    try:
        release.write(folder)
    except RecordError:  # as for a full disk: a release that has no record is none
        shutil.rmtree(release_folder(folder, number), ignore_errors=True)
        raise
    return release


def note(folder: Path, number: int, **changes: Any) -> None:
    """Change the record of a release that is kept."""
    release = Release.read(folder, number)
    if release is not None:
        replace(release, **changes).write(folder)


def taken_back(folder: Path, inputs: Mapping[str, Any]) -> Release | None:
    """Return the newest release that runs the same if it was taken back and may not return; else None."""
    wanted = fingerprint(inputs)
    same = next((each for each in releases(folder) if each.fingerprint == wanted), None)
    return same if same is not None and same.ended_because and not same.may_return else None


def allow_again(folder: Path, inputs: Mapping[str, Any]) -> None:
    """Let the next `up` bring what runs these inputs, once, although it was taken back.

    That it went back stays known: a rollback does not choose it. Others that went back stay refused.
    """
    if (same := taken_back(folder, inputs)) is not None:
        note(folder, same.number, may_return=True)


def _numbers(folder: Path) -> list[int]:
    paths = (folder / RELEASES).glob("*")
    return sorted((int(path.name) for path in paths if path.name.isdigit()), reverse=True)


def project_commit() -> str:
    """Return the commit of the project; '' outside a repository."""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--match", ""]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
        return done.stdout.strip()
    return ""
