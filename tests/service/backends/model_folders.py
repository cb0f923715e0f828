"""The same weights as two model folders, one for each engine."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from slipway.service.manifest import TEXT_FILES, Engine
from slipway.service.settings import BUNDLED_MODEL


def model_folder(folder: Path, weights: Path, engine: Engine, **manifest: Any) -> Path:
    """weights: what random_classifier.py wrote; its vocabulary is as large as the bundled tokenizer's."""
    folder.mkdir()
    folder.chmod(0o755)
    for name in TEXT_FILES[engine]:
        source = BUNDLED_MODEL if name == "tokenizer.json" else weights
        shutil.copyfile(source / name, folder / name)
    write_manifest(folder, engine=engine, **manifest)
    return folder


def write_manifest(folder: Path, **manifest: Any) -> None:
    """List the files that exist now in a manifest. labels: none of a task that has none."""
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    content = {
        "name": "random",
        "version": "1.0.0",
        "task": "classify",
        "labels": ["ham", "spam"],
        "max_tokens": 512,
        "license": "Apache-2.0",
        "files": files,
    }
    said = {key: value for key, value in (content | manifest).items() if (key, value) != ("labels", [])}
    (folder / "manifest.json").write_text(json.dumps(said))
