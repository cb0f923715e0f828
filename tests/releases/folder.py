"""Where the snapshots are: those of the code as it is, and those of the last release."""

from collections.abc import Mapping
from pathlib import Path

from slipway.infra.setup.changelog import is_version, number_of
from tests.releases.plans import plans, text_of
from tests.releases.surfaces import surfaces

HERE = Path(__file__).parent
NEXT = HERE / "next"
PLANS = "plans"


def last_release() -> Path:
    """Return the folder of the newest release, which is named after its version."""
    versions = [path.name for path in HERE.iterdir() if is_version(path.name)]
    return HERE / max(versions, key=number_of)


def snapshots() -> Mapping[str, str]:
    """Path below a folder of snapshots -> its text, of the code as it is."""
    planned = {f"{PLANS}/{name}.yaml": text_of(plan) for name, plan in plans().items()}
    return {**surfaces(), **planned}


def read(folder: Path) -> Mapping[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the texts, and delete what is none of them."""
    for name in read(folder).keys() - texts.keys():
        (folder / name).unlink()
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
