"""What an import will fetch and make, known before the weights are fetched and before torch is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.models.importing.address import HubAddress
from service.models.importing.card import license_of
from service.models.importing.config import Classifier
from service.models.importing.files import (
    CARD,
    CONFIG,
    INDEX,
    TOKENIZER_CONFIG,
    descriptive_files,
    json_object,
    model_files,
)
from service.models.importing.hub import Hub, HubFile


@dataclass(frozen=True, slots=True)
class Plan:
    address: HubAddress
    classifier: Classifier
    license: str
    files: Mapping[str, HubFile]
    """What transformers reads, the weights last."""

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    @property
    def float32_bytes(self) -> int:
        """Of the weights, as they are while they are converted; a little more."""
        return self.total_bytes * (2 if self.classifier.half else 1)


def planned(hub: Hub, address: HubAddress) -> Plan:
    """Raises a StartFault for a model that cannot be had, or that Slipway does not serve."""
    files = hub.pinned(address).files
    names = descriptive_files(address, files)
    paths = {name: hub.fetched(address, name, files[name]) for name in names}
    config = json_object(address, paths[CONFIG])
    tokenizer = json_object(address, paths[TOKENIZER_CONFIG]) if TOKENIZER_CONFIG in paths else {}
    classifier = Classifier.of(str(address), config, tokenizer)
    wanted = model_files(address, files, paths.get(INDEX), classifier.half)
    return Plan(address, classifier, license_of(paths.get(CARD)), wanted)


def fetch(hub: Hub, plan: Plan, folder: Path) -> None:
    """Put every file into `folder` as a link to the Hub's cache: nothing else of the repository is there."""
    hub.check_room(plan.address, plan.files)
    folder.mkdir()
    for name, expected in plan.files.items():
        (folder / name).symlink_to(hub.fetched(plan.address, name, expected).resolve())
