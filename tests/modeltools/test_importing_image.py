"""The stages of the image that import a model have only the files that they copy."""

import re
from pathlib import Path

import pytest

from tests.test_architecture import imported

ROOT = Path(__file__).resolve().parents[2]
# What each engine's import leaves to the other's, which has a stage of its own.
OF_ANOTHER_ENGINE = {"cpu": "modeltools/importing/copying.py", "torch-cpu": "modeltools/conversion.py"}


def stage(variant: str) -> str:
    """Return the steps of the stage that imports a model for this variant."""
    text = (ROOT / "service/Dockerfile").read_text()
    found = re.search(rf"^FROM \S+ AS model-imported-{variant}$(.*?)^FROM ", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].replace("\\\n", " ")


def modules_of(path: Path) -> set[str]:
    """List the modules of the server and the tools that a file imports, at its top or later."""
    names = {name for name, _ in imported(path) if name.split(".")[0] in ("service", "modeltools")}
    return names | {name.rpartition(".")[0] for name in names}


def needed(first: str, without: Path) -> set[Path]:
    waiting, found = {first}, set[Path]()
    while waiting:
        place = ROOT / waiting.pop().replace(".", "/")
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file() and path not in found | {without}:
                found.add(path)
                waiting |= modules_of(path)
    return found


@pytest.mark.parametrize("variant", OF_ANOTHER_ENGINE)
def test_every_module_that_an_import_needs_is_copied_into_its_stage(variant: str) -> None:
    copied = set[Path]()
    for sources in re.findall(r"^COPY (.+) \S+$", stage(variant), re.MULTILINE):
        for source in map(ROOT.joinpath, sources.split()):
            copied |= set(source.rglob("*.py")) if source.is_dir() else {source}
    found = needed("modeltools.importing.__main__", ROOT / OF_ANOTHER_ENGINE[variant])
    missing = {path.relative_to(ROOT).as_posix() for path in found - copied}
    assert missing == set()
