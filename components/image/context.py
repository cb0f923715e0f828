"""The build context: the same files, names and modes on every machine, at the same relative path.

docker-build hashes content, path and mode of each file, and has the context's path among its inputs. So
neither a umask, a stray file nor the place of the checkout may reach them: a preview would show a rebuild.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock

from ..model_files import file_digest
from .baked_model import BakedModel
from .ignore import IgnoreFile

# Below the working directory, which is the Pulumi project's for the program and the provider alike.
LOCATION = ".slipway/context"
DOCKERFILE = "Dockerfile"
# The folder of the model that is built in, apart from the server's code, so that no step copies both.
MODELS = "model"
# Where a checkout has its models.
_BUNDLED = "service/models/"
# What imports a model of the Hub while the image is built.
_IMPORT_TOOLS = "modeltools/"
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755

# Path in the context -> content, or for a model, which may be large, the file that has it.
Files = Mapping[str, bytes | Path]


def context_files(source: Path, model: BakedModel | None) -> Files:
    """Return the files that `.dockerignore` lets through, the model's and the Dockerfile, sorted.

    The Dockerfile is at the top, in no folder that it copies. source: a checkout. model: what is built in;
    None for one that is imported from the Hub. Of the checkout's models none is taken, and with a model the
    import tools are left out too, so that changing those builds nothing.
    """
    ignore = IgnoreFile((source / ".dockerignore").read_text())
    left_out = (_BUNDLED, _IMPORT_TOOLS) if model else (_BUNDLED,)
    names = [name for name in _kept(source, "", ignore) if not name.startswith(left_out)]
    files: dict[str, bytes | Path] = {name: (source / name).read_bytes() for name in names}
    files[DOCKERFILE] = (source / "service/Dockerfile").read_bytes()
    if model:
        files |= {f"{MODELS}/{model.name}/{name}": path for name, path in model.files.items()}
    return dict(sorted(files.items()))


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
        digest.update(f"{name}\0{_digest_of(content)}\0".encode())
    return digest.hexdigest()


def _digest_of(content: bytes | Path) -> str:
    return file_digest(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


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


def _is_as_staged(path: Path, content: bytes | Path | None) -> bool:
    mode = path.lstat().st_mode & 0o7777
    if content is None:
        return mode == _FOLDER_MODE
    return mode == _FILE_MODE and not path.is_symlink() and _is_equal(path, content)


def _is_equal(path: Path, content: bytes | Path) -> bool:
    if isinstance(content, bytes):
        return path.read_bytes() == content
    return path.stat().st_size == content.stat().st_size and file_digest(path) == file_digest(content)


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)
        path.chmod(_FILE_MODE)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(_FOLDER_MODE)
