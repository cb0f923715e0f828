"""What was found, assumed and tried of a model, and the manifest that says it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.service.faults import BadModel
from slipway.service.folder import ModelFolder
from slipway.service.manifest import MANIFEST_FILE, Manifest
from slipway.service.tasks import TASKS, Limits, Task

from ..importing.folder import listed_file

# As of a server whose settings say nothing: service/settings.py.
LIMITS = Limits(max_texts=1000, max_text_characters=1_000_000)


@dataclass(frozen=True, slots=True)
class Report:
    """Sentences for people; `difference` is the largest to the original, with its tolerance."""

    found: list[str] = field(default_factory=list[str])
    assumed: list[str] = field(default_factory=list[str])
    difference: float | None = None
    tolerance: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "found": self.found,
            "assumed": self.assumed,
            "difference": self.difference,
            "tolerance": self.tolerance,
        }


def write_manifest(folder: Path, keys: Mapping[str, Any]) -> None:
    """Write manifest.json with these keys and the folder's files, named like the folder."""
    made = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST_FILE)
    files = {name: listed_file(folder / name) for name in made}
    content = {"name": folder.name, "version": "1.0.0", **keys, "engine": "onnx", "files": files}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")


def served(folder: Path) -> Task:
    """Return the server's task with the model loaded, as the server loads it. Raises BadModel."""
    try:
        manifest = Manifest.read(folder, TASKS)
        manifest.check_files(folder)
        task = TASKS[manifest.task](manifest, LIMITS)
        task.load(ModelFolder(folder, manifest))
    except BadModel as fault:  # the folder is a temporary one, which says nothing to its reader
        raise BadModel(str(fault).replace(f"{folder}/", "")) from None
    return task
