"""Finds the folder of a model that lies here, and names what is wrong with it before anything starts."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checkout import ROOT
from .need import Need, need_of
from .sizes import quantity, smallest_size
from .spec import EXPECTED_MODEL
from .tasks import DEFAULT_TASK, TASKS, WEIGHTS

BUNDLED = Path("service/models")
_MANIFEST = "manifest.json"
# As the server takes them: service/manifest.py. Commands link to these files, so none may lie elsewhere.
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """path: as `located` takes it, the same on every machine. location: absolute, where it lies here.

    digest: of the manifest, which holds every file's own.
    """

    path: str
    digest: str
    manifest: Mapping[str, Any]
    location: Path = Path()


def located(source: str, path: str) -> Path:
    """Return the absolute folder of a model: a bundled one lies with Slipway, another in the project.

    path: of its ModelFolder, relative or absolute.
    """
    return ((ROOT if source.startswith("bundled:") else Path()) / path).resolve()


def model_folder(name: str, source: str, task: str | None) -> ModelFolder:
    """Find the folder of `bundled:<name>` or `file:<folder>`. Raises ValueError for a wrong or missing one.

    task: the one it must be for; None: any. A relative `file:` folder is below the working directory.
    """
    kind, _, place = source.partition(":")
    relative = BUNDLED / place if kind == "bundled" else Path(place).expanduser()
    folder = located(source, str(relative))
    if kind == "hf":
        raise ValueError(
            f"{name}: model is {source!r}, which is converted when an image is built. For this machine "
            f"make a folder of it: `slipway model export {source} models/mine`, or in a checkout of Slipway "
            f"`make import MODEL={source} TO=models/mine`; "
            "then set `model: file:models/mine`."
        )
    if kind not in ("bundled", "file") or not place:
        raise ValueError(f"{name}: model is {source!r}; allowed are `bundled:<name>` and `file:<folder>`.")
    if not folder.is_dir():
        raise ValueError(f"{name}: model not found: {source} is not a folder here. {_bundled()}")
    if not (folder / _MANIFEST).is_file():
        wanted = TASKS.get(task or DEFAULT_TASK, TASKS[DEFAULT_TASK])
        _require_files(name, source, folder, next(iter(wanted.files.values())))
    text = (folder / _MANIFEST).read_bytes()
    manifest = _manifest(name, source, text)
    _require_files(name, source, folder, TASKS[manifest["task"]].needed(manifest.get("engine", "onnx")))
    if task is not None and manifest["task"] != task:
        raise ValueError(
            f"{name}: the manifest of {source} says task {manifest['task']!r}; `task` is {task!r}. "
            "Set `task` to the model's, or choose another `model`."
        )
    return ModelFolder(str(relative), hashlib.sha256(text).hexdigest()[:12], manifest, folder)


def model_version(manifest: Mapping[str, Any]) -> str:
    """What the server calls the model: its name, its version and the start of its weights' hash.

    Raises ValueError for one that the server does not take, KeyError where the manifest lacks a part.
    """
    weights = manifest["files"][WEIGHTS[manifest.get("engine", "onnx")]]
    version = f"{manifest['name']}-{manifest['version']}+{weights['sha256'][:12]}"
    if not EXPECTED_MODEL.fullmatch(version):
        raise ValueError(
            f"name is {manifest['name']!r} and version {manifest['version']!r}; allowed are letters, digits, "
            "'.', '_', '+' and '-', a letter or digit first"
        )
    return version


def example_request(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A request's body that the model answers; the server checks that an `example` of the manifest fits."""
    if "features" in manifest:
        return {"features": manifest.get("example") or [0.0] * len(manifest["features"])}
    return dict(TASKS[manifest["task"]].example)


def require_memory(
    name: str, source: str, need: Need, memory_gib: float, cpu: float, target: str = "local"
) -> None:
    """Raise ValueError where the memory cannot work, naming the smallest on the target that does."""
    if memory_gib * 1024 >= need.least_mib:
        return
    smallest = smallest_size(target, need.with_margin_mib, cpu)
    if smallest is None:
        raise ValueError(
            f"{name}: {source} needs about {need.memory_mib:.0f} MiB; no size of {target} holds it."
        )
    how = "was measured to need" if need.measured else "needs about"
    raise ValueError(
        f"{name}: memory is {quantity(round(memory_gib * 1024))}; {source} with cpu {cpu:g} {how} "
        f"{need.memory_mib:.0f} MiB. The smallest setting with a margin is {smallest.memory}; set `memory` "
        f"to it, or see `slipway fit {source}`."
    )


def source_digest(folder: Path) -> str:
    """Of the code below `folder` and the pages it serves; models are apart. 12 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".html", ".css", ".js") and "models" not in path.relative_to(folder).parts:
            digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _manifest(name: str, source: str, text: bytes) -> dict[str, Any]:
    """The task and the numbers that memory depends on; the server checks the rest."""
    try:
        manifest: dict[str, Any] = json.loads(text)
        if manifest["task"] not in TASKS:
            raise ValueError(f"task is {manifest['task']!r}; allowed are {', '.join(TASKS)}")
        TASKS[manifest["task"]].needed(manifest.get("engine", "onnx"))
        if outside := [file for file in manifest.get("files") or () if not _FILE_NAME.fullmatch(file)]:
            raise ValueError(f"files has {outside[0]!r}, which is no plain file name")
        need_of(manifest, 1)
        model_version(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{name}: the manifest.json of {source} is not valid: {type(error).__name__} {error}. "
            "README, section 'A model of your own', shows one."
        ) from None
    return manifest


def _require_files(name: str, source: str, folder: Path, files: tuple[str, ...]) -> None:
    needed = (_MANIFEST, *files)
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise ValueError(
            f"{name}: model not found: {source} lacks {', '.join(missing)}; it needs {', '.join(needed)}."
        )


def _bundled() -> str:
    names = sorted(path.parent.name for path in (ROOT / BUNDLED).glob("*/manifest.json"))
    return f"Bundled models: {', '.join(names) or 'none'}."
