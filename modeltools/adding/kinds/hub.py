"""A model of the Hugging Face Hub, at a commit; `importing` fetches and converts it."""

from pathlib import Path

from ..kind import Kind


def _recognises(source: Path) -> bool:
    return str(source).startswith("hf:")


def _files(source: Path) -> list[Path]:
    del source
    return []


KIND = Kind("the Hub at a commit, hf:<owner>/<name>@<commit>", "torch", _recognises, _files)
