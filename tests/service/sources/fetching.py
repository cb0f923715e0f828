"""A fetch in this process, without the pauses between its tries."""

import asyncio
from pathlib import Path

from slipway.service.sources.address import Address
from slipway.service.sources.model import BucketModel
from slipway.service.sources.store import Store
from slipway.service.sources.tries import Patience
from slipway.service.tasks.classify import Classify

TASKS = {"classify": Classify}


class Pauses:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def bucket_model(source: str, cache_dir: Path, tries: int = 4, pauses: Pauses | None = None) -> BucketModel:
    address = Address.parse(source)
    patience = Patience(tries=tries, sleep=pauses or Pauses())
    return BucketModel(address, cache_dir, Store(address, stall_seconds=0.3), patience)


async def fetched(model: BucketModel) -> Path:
    return await model.folder(await model.manifest(TASKS))


def fetch(source: str, cache_dir: Path, tries: int = 4, pauses: Pauses | None = None) -> Path:
    return asyncio.run(fetched(bucket_model(source, cache_dir, tries, pauses)))


def files_in(folder: Path) -> set[str]:
    """Below it, but for the lock; an absent folder is empty."""
    return {path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}
