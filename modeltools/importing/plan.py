"""What an import will fetch and make, known before the weights are fetched and before torch is needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.service.manifest import Engine

from .address import HubAddress
from .card import license_of
from .embedder import MODULES, pooling_file
from .files import (
    CARD,
    INDEX,
    convertible_files,
    descriptive_files,
    json_content,
    model_files,
    served_files,
)
from .heads import Head, engine_of, head_of
from .hub import Hub, HubFile
from .local import LocalFolder, Source


@dataclass(frozen=True, slots=True)
class ImportPlan:
    address: Source
    head: Head
    license: str
    files: Mapping[str, HubFile]
    """What transformers reads, the weights last."""
    engine: Engine = "onnx"
    """What is to serve it."""

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    @property
    def made_bytes(self) -> int:
        """Return a little more than one copy of the weights takes.

        Conversions start from fp32, even if the weights are stored with 16 bits.
        """
        if self.engine == "torch":
            return self.total_bytes
        return self.total_bytes * (2 if self.head.half else 1)


@dataclass(frozen=True, slots=True)
class Choices:
    """The caller's choices for a model; None: as its files say.

    pooling: of an embedding model whose files do not state it.
    """

    task: str | None = None
    engine: Engine | None = None
    pooling: str | None = None


_NO_CHOICES = Choices()


def plan_import(hub: Hub, address: HubAddress, choices: Choices = _NO_CHOICES) -> ImportPlan:
    """Plan an import from the Hub.

    Raises a StartFault if the model is not available, or Slipway does not serve it.
    """
    files = hub.pinned(address).files
    return _plan(address, files, lambda name: hub.fetched(address, name, files[name]), choices)


def plan_local_import(folder: LocalFolder, choices: Choices = _NO_CHOICES) -> ImportPlan:
    """Plan an import from a local folder; raises as `plan_import` does."""
    return _plan(folder, folder.files(), lambda name: folder.path / name, choices)


def _plan(
    source: Source, files: Mapping[str, HubFile], path_of: Callable[[str], Path], choices: Choices
) -> ImportPlan:
    paths = {name: path_of(name) for name in descriptive_files(source, files)}
    described = {
        name: json_content(source, path) for name, path in paths.items() if name not in (CARD, INDEX)
    }
    said = pooling_file(described.get(MODULES))
    if said is not None and said in files:
        described[said] = json_content(source, path_of(said))
    head = head_of(str(source), described, choices.pooling, choices.task)
    engine, index = engine_of(str(source), head, choices.engine), paths.get(INDEX)
    if engine == "torch":
        wanted = served_files(source, files, index)
    elif engine == "ctranslate2":
        wanted = convertible_files(source, files, index)
    else:
        wanted = model_files(source, files, index, head.half)
    return ImportPlan(source, head, license_of(paths.get(CARD)), wanted, engine)


def fetch(hub: Hub, plan: ImportPlan, folder: Path) -> None:
    """Put every file, and nothing else, into `folder`, as a link to the Hub's cache or to the local file."""
    source = plan.address
    folder.mkdir()
    if isinstance(source, LocalFolder):
        for name in plan.files:
            (folder / name).symlink_to((source.path / name).resolve())
        return
    hub.check_room(source, plan.files)
    for name, expected in plan.files.items():
        (folder / name).symlink_to(hub.fetched(source, name, expected).resolve())
