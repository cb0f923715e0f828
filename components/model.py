"""Finds the folder of a local model, and reports what is wrong with it before anything starts."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checkout import ROOT
from .environment import EXPECTED_MODEL
from .fault import ArgumentsError, Fault, refuse
from .model_address import ModelAddress, Source
from .model_files import lfs_pointers, wrong_sizes
from .need import Need, need_of
from .sizes import smallest_size
from .tasks import DEFAULT_TASK, TASKS, WEIGHTS

BUNDLED = Path("service/models")
_MANIFEST = "manifest.json"
# Of the types of columns in service/columns.py.
_EXAMPLE_VALUES = {"float": 0.0, "double": 0.0, "int": 0, "string": "", "bool": False}
# Why no folder of a source is on this machine.
_IN_BUCKET = ", which the servers of a cloud fetch"
_ELSEWHERE = {
    Source.HUB: ", which is converted when an image is built",
    Source.GOOGLE: _IN_BUCKET,
    Source.AMAZON: _IN_BUCKET,
}
# As the server takes them: service/manifest.py. Commands link to these files, so none may lie elsewhere.
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on this machine.

    path: as `located` takes it, the same on every machine. location: absolute, on this machine.
    digest: of the manifest, which holds every file's own.
    """

    path: str
    digest: str
    manifest: Mapping[str, Any]
    location: Path = Path()

    @property
    def size_gib(self) -> float:
        """Return the size of the files that the manifest lists."""
        return sum(file["bytes"] for file in self.manifest["files"].values()) / 2**30


def located(source: str, path: str, checkout: Path | None = None) -> Path:
    """Return the absolute folder of a model: a bundled one is part of Slipway, another in the project.

    path: of its ModelFolder, relative or absolute. checkout: of the bundled models, if not this one.
    """
    is_bundled = ModelAddress.parse(source).source is Source.BUNDLED
    return (((checkout or ROOT) if is_bundled else Path()) / path).resolve()


def model_folder(name: str, source: str, task: str | None, checkout: Path | None = None) -> ModelFolder:
    """Find the folder of `bundled:<name>` or `file:<folder>`. Raises ArgumentsError for any other address.

    The files that its manifest lists are there and have their sizes; their contents are not read. task: the
    one it must be for; None: any. A relative `file:` folder is below the working directory. checkout: of the
    bundled models, if not this one.
    """
    address = ModelAddress.parse(source)
    if address.source in _ELSEWHERE:
        allowed = f"make a folder of it, `slipway model add {source} mine`, and give `file:models/mine`"
        refuse(name, [Fault("model", repr(source), allowed, _ELSEWHERE[address.source])])
    if not address.is_here or not address.place:
        refuse(name, [Fault("model", repr(source), "allowed are bundled:<name> and file:<folder>")])
    is_bundled = address.source is Source.BUNDLED
    relative = BUNDLED / address.place if is_bundled else Path(address.place).expanduser()
    folder = located(source, str(relative), checkout)
    if not folder.is_dir():
        refuse(name, [Fault("model", repr(source), _bundled(checkout or ROOT), ", which is no folder here")])
    if not (folder / _MANIFEST).is_file():
        wanted = TASKS.get(task or DEFAULT_TASK, TASKS[DEFAULT_TASK])
        _require_files(name, source, folder, next(iter(wanted.files.values())))
    _require_fetched(name, source, folder, [_MANIFEST])
    text = (folder / _MANIFEST).read_bytes()
    manifest = checked_manifest(name, source, text)
    needed = TASKS[manifest["task"]].needed(manifest.get("engine", "onnx"))
    _require_files(name, source, folder, tuple(dict.fromkeys((*needed, *manifest["files"]))))
    _require_fetched(name, source, folder, manifest["files"])
    _require_sizes(name, source, folder, manifest["files"])
    if task is not None and manifest["task"] != task:
        reason = f"with `model` {source}, whose manifest says {manifest['task']!r}"
        allowed = "take the model's task, or another model"
        refuse(name, [Fault("task", repr(task), allowed, reason, nearest=manifest["task"])])
    return ModelFolder(str(relative), hashlib.sha256(text).hexdigest()[:12], manifest, folder)


def model_version(manifest: Mapping[str, Any]) -> str:
    """Return the server's name for the model: name, version and the start of its weights' hash.

    Raises ValueError for one that the server does not accept, KeyError if the manifest lacks a part.
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
    """Return a request body that the model can answer; the server checks a manifest's own examples."""
    if "features" in manifest:
        return {
            "features": manifest.get("example") or [_example_value(each) for each in manifest["features"]]
        }
    request = dict(TASKS[manifest["task"]].example)
    if texts := manifest.get("examples"):
        request["prompt" if "prompt" in request else "text"] = texts[0]
    return request


def _example_value(column: str | Mapping[str, Any]) -> Any:
    """Return a value for a column: its own example, else the first that it takes, else that of its type."""
    if isinstance(column, str):
        return 0.0
    if (own := column.get("example")) is not None:
        return own
    return next(iter(column.get("values", ())), _EXAMPLE_VALUES[column.get("type", "float")])


def require_memory(
    name: str, source: str, need: Need, memory_gib: float, cpu: float, target: str = "local"
) -> None:
    """Raise ArgumentsError if the memory is too small, naming the smallest on the target that is enough."""
    if memory_gib * 1024 >= need.least_mib:
        return
    smallest = smallest_size(target, need.with_margin_mib, cpu)
    how = "was measured to need" if need.measured else "needs about"
    fault = Fault(
        "memory_gib",
        f"{memory_gib:.10g}",
        f"the smallest with a margin is {smallest.memory}; see `slipway fit {source}`"
        if smallest
        else f"no size of {target} is large enough",
        f"with {source}, which {how} {need.memory_mib:.0f} MiB with `cpu` {cpu:g}",
        nearest=smallest.memory_mib / 1024 if smallest else None,
        needs_memory=True,
    )
    refuse(name, [fault])


def source_digest(folder: Path) -> str:
    """Hash the code below `folder` and the pages it serves, without models, into 12 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".html", ".css", ".js") and "models" not in path.relative_to(folder).parts:
            digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def checked_manifest(name: str, source: str, text: bytes) -> dict[str, Any]:
    """Read a manifest: the task and the numbers that memory depends on; the server checks the rest.

    Raises ArgumentsError.
    """
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
        reason = f", whose manifest.json is not valid: {type(error).__name__} {error}"
        allowed = 'docs/guides/bring-your-own-model.md, "The manifest", shows one'
        raise ArgumentsError(name, [Fault("model", repr(source), allowed, reason)]) from None
    return manifest


def _require_files(name: str, source: str, folder: Path, files: tuple[str, ...]) -> None:
    needed = (_MANIFEST, *files)
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        reason = f", which lacks {', '.join(missing)}"
        refuse(name, [Fault("model", repr(source), f"it needs {', '.join(needed)}", reason)])


def _require_fetched(name: str, source: str, folder: Path, files: Iterable[str]) -> None:
    """Raise ArgumentsError if a file's content was never fetched from Git LFS."""
    if pointers := lfs_pointers(folder, files):
        reason = f", whose {', '.join(pointers)} {'is' if len(pointers) == 1 else 'are'} in Git LFS"
        allowed = f"fetch {'it' if len(pointers) == 1 else 'them'} with `git lfs pull` in {folder}"
        refuse(name, [Fault("model", repr(source), allowed, reason)])


def _require_sizes(name: str, source: str, folder: Path, files: Mapping[str, Any]) -> None:
    if wrong := wrong_sizes(folder, files):
        reason = f", whose files are not those of its manifest.json: {'; '.join(wrong)}"
        allowed = "restore them, or make the folder anew"
        refuse(name, [Fault("model", repr(source), allowed, reason)])


def _bundled(checkout: Path) -> str:
    names = sorted(path.parent.name for path in (checkout / BUNDLED).glob("*/manifest.json"))
    return f"bundled are {', '.join(names) or 'none'}"
