"""The stage of the image that imports a model for torch has only the files that it copies."""

import re
from pathlib import Path

from tests.test_architecture import imported

ROOT = Path(__file__).resolve().parents[2]
# Only an import for ONNX reaches it, which has a stage of its own.
OF_ANOTHER_ENGINE = ROOT / "modeltools/conversion.py"
STAGE = re.compile(r"^FROM base AS model-imported-torch-cpu$(?P<steps>.*?)^FROM ", re.MULTILINE | re.DOTALL)


def modules_of(path: Path) -> set[str]:
    """List the modules of the server and the tools that a file imports, at its top or later."""
    names = {name for name, _ in imported(path) if name.split(".")[0] in ("service", "modeltools")}
    return names | {name.rpartition(".")[0] for name in names}


def needed(first: str) -> set[Path]:
    waiting, found = {first}, set[Path]()
    while waiting:
        place = ROOT / waiting.pop().replace(".", "/")
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file() and path not in found:
                found.add(path)
                waiting |= modules_of(path)
    return found


def test_every_module_that_an_import_for_torch_needs_is_copied_into_its_stage():
    stage = STAGE.search((ROOT / "service/Dockerfile").read_text())
    assert stage is not None
    copied = {OF_ANOTHER_ENGINE}
    for sources in re.findall(r"^COPY (.+) \S+$", stage["steps"].replace("\\\n", " "), re.MULTILINE):
        for source in map(ROOT.joinpath, sources.split()):
            copied |= set(source.rglob("*.py")) if source.is_dir() else {source}
    missing = {path.relative_to(ROOT).as_posix() for path in needed("modeltools.importing.__main__") - copied}
    assert missing == set()
