"""Writes a set of files into a folder, and takes away those of an earlier set; touches nothing else there."""

from collections.abc import Mapping
from pathlib import Path

from infra.errors import Refused

_LIST = ".slipway-manifests"


def write_files(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """files: path below the folder -> text. Returns the paths. Raises Refused where one is another's."""
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is a file; name a folder with -o.")
    listed = folder / _LIST
    before = set(listed.read_text().splitlines()) if listed.is_file() else set[str]()
    foreign = sorted(name for name in files if name not in before and (folder / name).exists())
    if foreign:
        raise Refused(
            f"{folder} holds {', '.join(foreign)}, which `slipway manifests` did not write; name another "
            "folder with -o, or move them away."
        )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in sorted(before - files.keys()):
        (folder / name).unlink(missing_ok=True)
    listed.write_text("".join(f"{name}\n" for name in sorted(files)))
    return [folder / name for name in files]
