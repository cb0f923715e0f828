"""The build context: the same files, names and modes on every machine, at the same relative path.

docker-build hashes content, path and mode of each file, and has the context's path among its inputs. So
neither a umask, a stray file nor the place of the checkout may reach them: a preview would show a rebuild.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from .ignore import IgnoreFile

# Below the working directory, which is the Pulumi project's for the program and the provider alike.
LOCATION = ".slipway/context"
DOCKERFILE = "Dockerfile"
# The Dockerfile's own default, for an image whose model comes from elsewhere.
DEFAULT_BUNDLED = "sms-spam"
_MODELS = "service/models"
# What imports a model of the Hub while the image is built.
_IMPORT_TOOLS = "modeltools/"
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755

Files = Mapping[str, bytes]


def context_files(source: Path, model: str = DEFAULT_BUNDLED) -> Files:
    """Return the files that `.dockerignore` lets through, and the Dockerfile, sorted: path -> content.

    The Dockerfile is at the top, in no folder that it copies. source: a checkout. model: the bundled model
    that is built in, '' for one that is imported from the Hub. Other models' folders are left out, and with a
    bundled model the import tools too, so that changing those builds nothing.
    """
    ignore = IgnoreFile((source / ".dockerignore").read_text())
    others = tuple(f"{_MODELS}/{name}/" for name in bundled_models(source) if name != model)
    left_out = (*others, _IMPORT_TOOLS) if model else others
    names = [name for name in _kept(source, "", ignore) if not name.startswith(left_out)]
    files = {name: (source / name).read_bytes() for name in names}
    files[DOCKERFILE] = (source / "service/Dockerfile").read_bytes()
    return dict(sorted(files.items()))


def bundled_models(source: Path) -> list[str]:
    """Return the names of the models in the checkout."""
    return sorted(path.parent.name for path in (source / _MODELS).glob("*/manifest.json"))


def _kept(source: Path, folder: str, ignore: IgnoreFile) -> Iterator[str]:
    for entry in os.scandir(source / folder):
        name = f"{folder}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if not ignore.skips(name):
                yield from _kept(source, f"{name}/", ignore)
        elif entry.is_file() and not ignore.ignores(name):
            yield name


def content_digest(files: Files) -> str:
    """Return the SHA-256 of names and contents, in hexadecimal."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def model_manifest(files: Files, name: str) -> Mapping[str, Any]:
    """Return the manifest of a bundled model."""
    return json.loads(files[f"{_MODELS}/{name}/manifest.json"])


def stage(files: Files, folder: Path) -> None:
    """Make `folder` hold exactly these files, writing nothing if it already does.

    It is swapped in whole, so that a build never sees half of it. Modification times are not set: BuildKit
    takes a file of the same size and time for unchanged.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if _holds(folder, files):
            return
        fresh, stale = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
        for leftover in (fresh, stale):
            shutil.rmtree(leftover, ignore_errors=True)
        _write(fresh, files)
        if folder.exists():
            folder.rename(stale)
        fresh.rename(folder)
        shutil.rmtree(stale, ignore_errors=True)


def _holds(folder: Path, files: Files) -> bool:
    paths = (
        {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")} if folder.is_dir() else {}
    )
    if {name for name, path in paths.items() if not path.is_dir()} != set(files):
        return False
    return all(_is_as_staged(path, files.get(name)) for name, path in paths.items())


def _is_as_staged(path: Path, content: bytes | None) -> bool:
    mode = path.lstat().st_mode & 0o7777
    if content is None:
        return mode == _FOLDER_MODE
    return mode == _FILE_MODE and not path.is_symlink() and path.read_bytes() == content


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(_FILE_MODE)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(_FOLDER_MODE)
