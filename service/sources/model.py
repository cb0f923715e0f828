"""A model in a bucket: its pinned manifest, then its files in a local folder.

The manifest is fetched at every start: it is small, and so a pin or a permission that is gone is reported at
the next start, not at the next empty cache. The files are fetched only if the folder lacks them.
"""

from collections.abc import Mapping
from pathlib import Path

from ..logs import fields, log
from ..manifest import MANIFEST_FILE, Manifest, TaskRules
from .address import Address
from .cache import check_room, model_folder, sole_writer, write_fault
from .download import Download
from .store import Store
from .tries import Patience, Tries, Unreachable


class BucketModel:
    def __init__(
        self,
        address: Address,
        cache_dir: Path | None,
        store: Store | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._address = address
        self._cache_dir = cache_dir
        self._store = store or Store(address)
        self._patience = patience or Patience()

    async def manifest(self, tasks: Mapping[str, type[TaskRules]]) -> Manifest:
        """Fetch and read the manifest. Raises a StartFault if it is not available or not usable."""
        place = f"MODEL_SOURCE {self._address}: {MANIFEST_FILE}"
        tries = Tries(self._patience, place)
        while True:
            try:
                return Manifest.parse(await self._store.manifest(), place, tasks)
            except Unreachable as failure:
                await tries.pause_after(failure)

    async def folder(self, manifest: Manifest) -> Path:
        """Return the local folder with every file of the manifest, checked. Raises a StartFault."""
        folder = model_folder(self._cache_dir, self._address)
        try:
            await self._fetch_into(folder, manifest)
        except OSError as error:
            raise write_fault(folder, error) from None
        return folder

    async def _fetch_into(self, folder: Path, manifest: Manifest) -> None:
        place = f"MODEL_SOURCE {self._address}"
        async with sole_writer(folder):
            downloads = [
                Download(self._store, place, name, file, folder) for name, file in manifest.files.items()
            ]
            missing = [download for download in downloads if not await download.is_there()]
            check_room(folder, sum(download.missing_bytes() for download in missing))
            for download in missing:  # one after the other: a model is one large file and a few small ones
                await download.fetch(self._patience)
        if not missing:
            log.info("The model was fetched before", extra=fields(folder=str(folder)))
