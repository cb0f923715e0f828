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
    descriptive_files,
    json_content,
    model_files,
    served_files,
)
from .heads import Head, engine_of, head_of
from .hub import Hub, HubFile
from .local import LocalFolder, Source


@dataclass(frozen=True, slots=True)
class Plan:
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
        """Of one copy of the weights while the folder is made; a little more. ONNX is converted from fp32."""
        if self.engine == "torch":
            return self.total_bytes
        return self.total_bytes * (2 if self.head.half else 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller says of a model; None: as its files say.

    pooling: of an embedding model that does not say it.
    """

    task: str | None = None
    engine: Engine | None = None
    pooling: str | None = None


_AS_IT_SAYS = Asked()


def planned(hub: Hub, address: HubAddress, asked: Asked = _AS_IT_SAYS) -> Plan:
    """Raises a StartFault for a model that cannot be had, or that Slipway does not serve."""
    files = hub.pinned(address).files
    return _plan(address, files, lambda name: hub.fetched(address, name, files[name]), asked)


def planned_here(folder: LocalFolder, asked: Asked = _AS_IT_SAYS) -> Plan:
    """Of a model that lies here; raises as `planned` does."""
    return _plan(folder, folder.files(), lambda name: folder.path / name, asked)


def _plan(source: Source, files: Mapping[str, HubFile], path_of: Callable[[str], Path], asked: Asked) -> Plan:
    paths = {name: path_of(name) for name in descriptive_files(source, files)}
    described = {
        name: json_content(source, path) for name, path in paths.items() if name not in (CARD, INDEX)
    }
    said = pooling_file(described.get(MODULES))
    if said is not None and said in files:
        described[said] = json_content(source, path_of(said))
    head = head_of(str(source), described, asked.pooling, asked.task)
    engine, index = engine_of(str(source), head, asked.engine), paths.get(INDEX)
    if engine == "torch":
        wanted = served_files(source, files, index)
    else:
        wanted = model_files(source, files, index, head.half)
    return Plan(source, head, license_of(paths.get(CARD)), wanted, engine)


def fetch(hub: Hub, plan: Plan, folder: Path) -> None:
    """Put every file, and nothing else, into `folder` as a link to the Hub's cache or to where it lies."""
    source = plan.address
    folder.mkdir()
    if isinstance(source, LocalFolder):
        for name in plan.files:
            (folder / name).symlink_to((source.path / name).resolve())
        return
    hub.check_room(source, plan.files)
    for name, expected in plan.files.items():
        (folder / name).symlink_to(hub.fetched(source, name, expected).resolve())
