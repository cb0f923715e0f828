"""The local folder that keeps one fetched model: its place, its one writer at a time, its disk space."""

import asyncio
import errno
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ..faults import BadSettings, DiskFull, StartFault
from ..logs import fields, log
from .address import Address
from .private import NotPrivate, make_private

LOCK_POLL_SECONDS = 0.2
_FULL = {errno.ENOSPC, errno.EDQUOT}
_MOUNT = (
    "mount a writable volume there (an emptyDir on Kubernetes, a volume on Fargate, an in-memory volume on "
    "Cloud Run, `--tmpfs` in Docker), or set MODEL_CACHE_DIR to a folder that is writable"
)


def model_folder(cache_dir: Path | None, address: Address) -> Path:
    """Return the folder of this address, creating it if needed.

    cache_dir: None is the system's temporary one. Every user can write to that one, so the folder must be
    this user's. Raises BadSettings if it is not, or cannot be written.
    """
    try:
        root = cache_dir or Path(tempfile.gettempdir()) / "slipway-models"
    except FileNotFoundError:
        raise BadSettings(f"MODEL_CACHE_DIR: there is no writable temporary folder; {_MOUNT}.") from None
    digest = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    folder = root / f"{address.scheme}-{address.bucket[:60]}-{digest}"
    if cache_dir is None:
        _make(root, on_a_volume=False)
    _make(folder, on_a_volume=cache_dir is not None)
    return folder


def _make(folder: Path, *, on_a_volume: bool) -> None:
    try:
        with suppress(FileExistsError):
            folder.parent.mkdir(parents=True)
        make_private(folder, on_a_volume=on_a_volume)
    except NotPrivate as error:
        raise BadSettings(
            f"MODEL_CACHE_DIR: {folder} {error}, so another user could change the model in it. Delete it, or "
            "set MODEL_CACHE_DIR to a folder of this user's own."
        ) from None
    except OSError as error:
        raise write_fault(folder, error) from None


@asynccontextmanager
async def sole_writer(folder: Path) -> AsyncGenerator[None]:
    """Wait while another process fetches into the same folder. The lock ends with the process."""
    with (folder / ".lock").open("a") as lock:
        told = False
        while not _locked(lock.fileno()):
            if not told:
                log.info("Another process fetches this model; waiting", extra=fields(folder=str(folder)))
                told = True
            await asyncio.sleep(LOCK_POLL_SECONDS)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raise DiskFull before a download that cannot fit."""
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise DiskFull(
            f"the model needs {_mb(needed_bytes)} more in {folder}, which has {_mb(free_bytes)} free. "
            f"{_more_room(folder)}"
        )


def write_fault(path: Path, error: OSError) -> StartFault:
    """Return the fault for a folder or file of the cache that cannot be written."""
    if error.errno in _FULL:
        return DiskFull(f"no room is left for {path}. {_more_room(path.parent)}")
    return BadSettings(f"MODEL_CACHE_DIR: {path} cannot be written ({error.strerror}); {_MOUNT}.")


def _more_room(folder: Path) -> str:
    return f"Enlarge its volume, delete old models next to {folder}, or set MODEL_CACHE_DIR to a larger one."


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
