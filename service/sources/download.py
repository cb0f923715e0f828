"""One file of a model: fetched into `<name>.part`, checked by size and hash, then renamed to its name.

A partial download resumes in the next try and in the next start. Only a file with the manifest's hash gets
its name, so a file under its own name is whole.
"""

import asyncio
import contextlib
import hashlib
from pathlib import Path
from typing import BinaryIO

from ..faults import BadModel, BadSettings
from ..logs import fields, log
from ..manifest import PART_SUFFIX, ManifestFile
from ..regular import NotRegular, opened
from .cache import write_fault
from .progress import DownloadProgress
from .store import Opened, Store
from .tries import Patience, Tries, Unreachable

READ_BYTES = 4 << 20
# A second download: the first may have gone on from a part of another file, or been damaged on its way.
DOWNLOADS = 2


class Download:
    def __init__(self, store: Store, place: str, name: str, expected: ManifestFile, folder: Path) -> None:
        """Prepare a download. place: the model's address, for messages."""
        self._store = store
        self._place = place
        self._name = name
        self._expected = expected
        self._file = folder / name
        self._part = folder / f"{name}{PART_SUFFIX}"
        self._digest = hashlib.sha256()
        self._size = 0

    async def is_there(self) -> bool:
        """Return whether the file exists with its size and hash; delete it if not."""
        await self._read(self._file)
        if self._is_whole():
            return True
        self._file.unlink(missing_ok=True)
        return False

    def missing_bytes(self) -> int:
        """Return how many bytes a fetch still has to bring."""
        part_bytes = self._part.stat().st_size if self._part.exists() else 0
        return max(0, self._expected.bytes - part_bytes)

    async def fetch(self, patience: Patience) -> None:
        """Fetch the file. Raises a StartFault if it is not available, or not the one of the manifest."""
        for _ in range(DOWNLOADS):
            await self._fetch_part(patience)
            if self._is_whole():
                self._part.replace(self._file)
                return
            self._part.unlink()
            log.warning(
                "Deleted %s: its hash is not the manifest's", self._name, extra=fields(file=self._name)
            )
        raise self._changed(f"sha256 {self._digest.hexdigest()}", self._expected.sha256)

    async def _fetch_part(self, patience: Patience) -> None:
        await self._read(self._part)
        if self._size > self._expected.bytes:
            self._part.unlink()
            await self._read(self._part)
        progress = DownloadProgress(self._name, self._expected.bytes, self._size)
        tries = Tries(patience, f"{self._place}: {self._name}")
        while self._size < self._expected.bytes:
            begun_at = self._size
            try:
                opened = await self._store.open(self._name, self._size)
                self._check_size(opened)
                await self._append(opened, progress)
            except Unreachable as failure:
                await tries.pause_after(failure, self._size - begun_at)
        progress.end()

    def _check_size(self, opened: Opened) -> None:
        if opened.total_bytes != self._expected.bytes:
            raise self._changed(f"{opened.total_bytes} bytes", str(self._expected.bytes))

    def _changed(self, found: str, expected: str) -> BadModel:
        return BadModel(
            f"{self._place}: {self._name} has {found}; manifest.json says {expected}. The file was changed "
            "after its manifest was written: upload each model to a folder of its own."
        )

    async def _append(self, opened: Opened, progress: DownloadProgress) -> None:
        try:
            with self._part.open("ab") as part:
                async for chunk in opened.chunks:
                    await asyncio.to_thread(self._write, part, chunk)
                    progress.add(len(chunk))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)  # what is left would keep the disk full
            raise write_fault(self._part, error) from None
        if self._size < self._expected.bytes:
            raise Unreachable("the answer ended early")

    def _write(self, part: BinaryIO, chunk: bytes) -> None:
        part.write(chunk)
        self._digest.update(chunk)
        self._size += len(chunk)

    async def _read(self, path: Path) -> None:
        """Compute size and hash of a local file (0 bytes if none), in blocks, so that a stop is prompt."""
        self._digest, self._size = hashlib.sha256(), 0
        try:
            with opened(path.parent, path.name) as file:
                while block := await asyncio.to_thread(file.read, READ_BYTES):
                    await asyncio.to_thread(self._digest.update, block)
                    self._size += len(block)
        except FileNotFoundError:
            return
        except NotRegular as error:
            raise BadSettings(f"MODEL_CACHE_DIR: {path} {error}; delete it.") from None

    def _is_whole(self) -> bool:
        return self._size == self._expected.bytes and self._digest.hexdigest() == self._expected.sha256
