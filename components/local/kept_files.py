"""Keeps the server's code and the model's files of the newest releases, so that each can be started again.

A release runs from its own copy: a file that is edited in place changes no release that is running or kept.
Copies are named by their digests, so that releases share them.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from ..checkout import ROOT
from ..model import located, source_digest
from .process import alive, process_folders
from .record import RELEASES, Lease, release_folder, worker_folders
from .release import KEPT_RELEASES, Release, releases

_CODE, _MODELS = "code", "models"
_MANIFEST = "manifest.json"
_GONE, _CHANGED = "are no longer kept", "are not as they were kept: something changed them"
_PAGES = (".py", ".html", ".css", ".js")
Copy = Callable[[Path], None]


def keep(folder: Path, release: Release) -> None:
    """Copy what the release runs, unless a whole copy is there. Raises OSError, as for a full disk."""
    code, model = _code(folder, release), _model(folder, release)
    if _changed_code(code, release):
        _copied(code, _copy_code)
    source = source_of(release.inputs)
    if _changed_model(model, release) and (source / _MANIFEST).is_file():
        _copied(model, lambda target: _copy_model(source, target))


def code_of(folder: Path, release: Release) -> Path | None:
    """Return the absolute folder of the code that a release runs; None: this one."""
    code = _code(folder, release)
    return code.resolve() if code.is_dir() else None


def model_of(folder: Path, release: Release) -> Path:
    """Return the absolute folder of the model that a release runs."""
    model = _model(folder, release)
    return model.resolve() if model.is_dir() else source_of(release.inputs)


def source_of(inputs: Mapping[str, Any]) -> Path:
    """Return the absolute folder that the model of a release comes from."""
    return located(inputs["model"], inputs["model_folder"])


def lost_files(folder: Path, release: Release) -> str:
    """Return what keeps a release from being started again; '' if its files are there, and its own.

    The contents of the model's files are left to the server, which compares them with the manifest.
    """
    if why := _changed_code(_code(folder, release), release):
        return f"the server's files of that release {why}"
    if why := _changed_model(_model(folder, release), release):
        return f"the model's files of that release {why}"
    return ""


def _changed_code(code: Path, release: Release) -> str:
    package, service = code / "slipway", code / "slipway/service"
    if not service.is_dir():
        return _GONE
    others = {path: path.stat().st_size for path in code.rglob("*.py") if not path.is_relative_to(service)}
    is_same = (
        others == {package / "__init__.py": 0} and source_digest(service) == release.inputs["code_digest"]
    )
    return "" if is_same else _CHANGED


def _changed_model(model: Path, release: Release) -> str:
    try:
        text = (model / _MANIFEST).read_bytes()
        if hashlib.sha256(text).hexdigest()[:12] != release.inputs["model_digest"]:
            return _CHANGED
        files = json.loads(text)["files"]
        changed = [name for name in files if (model / name).stat().st_size != files[name]["bytes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return _GONE
    return _CHANGED if changed else ""


def prune(folder: Path, keep_newest: int = KEPT_RELEASES) -> list[int]:
    """Delete all but the newest releases, those that run and the one that serves; return their numbers."""
    lease = Lease.read(folder)
    running = [path for path in process_folders(folder) if alive(path)]
    held = {int(path.name) for path in running if path.parent.name == RELEASES}
    held |= {int(path.parent.name) for path in worker_folders(folder) if alive(path)}
    held.add(lease.release if lease else 0)
    found = releases(folder)
    old = [each for each in found[keep_newest:] if each.number not in held]
    for release in old:
        shutil.rmtree(release_folder(folder, release.number), ignore_errors=True)
    rest = [each for each in found if each not in old]
    _delete_others(folder / _CODE, {_code(folder, each).name for each in rest})
    _delete_others(folder / _MODELS, {_model(folder, each).name for each in rest})
    return [release.number for release in old]


def forget(folder: Path) -> None:
    """Delete every release; the logs of the one that serves become those of the service."""
    link = folder / "server.log"
    if link.is_symlink():
        home = link.resolve().parent
        link.unlink()
        for path in sorted(home.glob("server.log*")):
            path.replace(folder / path.name)
    for name in (RELEASES, _CODE, _MODELS):
        shutil.rmtree(folder / name, ignore_errors=True)


def _code(folder: Path, release: Release) -> Path:
    return folder / _CODE / str(release.inputs["code_digest"])


def _model(folder: Path, release: Release) -> Path:
    return folder / _MODELS / str(release.inputs["model_digest"])


def _copied(target: Path, copy: Copy) -> None:
    """Make a folder that is there whole or not at all."""
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        copy(made)
        if target.exists():
            target.rename(Path(temporary) / "changed")
        made.rename(target)


def _copy_code(target: Path) -> None:
    service = ROOT / "service"
    package = target / "slipway"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    for path in sorted(service.rglob("*")):
        relative = path.relative_to(service)
        if path.suffix in _PAGES and "models" not in relative.parts:
            (package / "service" / relative.parent).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, package / "service" / relative)


def _copy_model(source: Path, target: Path) -> None:
    text = (source / _MANIFEST).read_bytes()
    (target / _MANIFEST).write_bytes(text)
    for name in json.loads(text)["files"]:
        shutil.copyfile(source / name, target / name)


def _delete_others(folder: Path, names: Collection[str]) -> None:
    for path in folder.glob("*"):
        if path.name not in names:
            shutil.rmtree(path, ignore_errors=True)
