"""The workflows of a user's repository: this repository's own, installed from a pinned Slipway.

They get names of their own, `slipway-…`, because a repository has other workflows, and other groups of runs.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.components.checkout import ROOT

REQUIREMENTS = Path("requirements-slipway.txt")
NAMES = ("preview", "preview-comment", "preview-rules", "preview-engine", "deploy", "up", "drift")
_SOURCE = ROOT / ".github"
_INSTALL = r"^(\s*)run: python3 -m infra\.setup\.install (?:cloud|local)$"
_INSTALL_THERE = rf"\1run: python3 -m venv .venv && .venv/bin/pip install --quiet -r {REQUIREMENTS}"
_GUIDE = "docs/guides/pull-requests.md"


def workflows() -> Mapping[Path, str]:
    """Return each file of the workflows, relative to the repository, and its text."""
    files = {
        Path(f".github/workflows/slipway-{name}.yml"): (_SOURCE / f"workflows/{name}.yml").read_text()
        for name in NAMES
    }
    files[Path(".github/actions/slipway-cloud/action.yml")] = (
        _SOURCE / "actions/cloud/action.yml"
    ).read_text()
    return {path: _theirs(text) for path, text in files.items()}


def other_repository(folder: Path) -> Path | None:
    """Return the root of the repository around the folder, where workflows belong; None: the folder is."""
    roots = (each for each in (folder, *folder.parents) if (each / ".git").exists())
    root = next(roots, folder)
    return None if root == folder else root


def _theirs(text: str) -> str:
    text = text.replace(_GUIDE, "Slipway's guide to pull requests")
    for pattern, replacement in _renamed():
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def _renamed() -> Iterator[tuple[str, str]]:
    yield _INSTALL, _INSTALL_THERE
    yield r"^name: (\w.*)$", r'name: "Slipway: \1"'
    yield r"^    workflows: \[(\w+)\]$", r'    workflows: ["Slipway: \1"]'
    yield r"^  group: ", "  group: slipway-"
    yield r"\./\.github/actions/cloud\b", "./.github/actions/slipway-cloud"
    names = "|".join(sorted(NAMES, key=len, reverse=True))
    yield rf"(?<![\w-])({names})\.yml\b", r"slipway-\1.yml"
