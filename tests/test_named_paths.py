"""Every path that a page or a script of this repository names exists, and CONTRIBUTING lists every folder."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.test_architecture import ORDER

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
README = ROOT / "README.md"
# Decisions (docs/adr) and CHANGELOG.md name what was there at their time.
PAGES = [
    CONTRIBUTING,
    README,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/guides").glob("*.md")),
]
# What a page asks its reader to make, and what `make setup-policy` makes.
TO_BE_MADE = {
    "service/tasks/scores.py",
    "policy/.venv",
    "components/skiff",
    "components/skiff/__init__.py",
    "stacks/settings/skiff.py",
    "stacks/skiff.py",
    "infra/targets/skiff.py",
    "infra/resources/skiff.py",
}
SCRIPTS = [ROOT / "Makefile", *sorted((ROOT / ".ci").iterdir()), *sorted((ROOT / ".github").rglob("*.yml"))]


@cache
def tracked() -> set[str]:
    """Return the repository's files, and those that git would track, with all folders above them."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    files = {name for name in listed if (ROOT / name).exists() and name}
    return files | {str(above) for name in files for above in Path(name).parents} - {"."}


@cache
def top_folders() -> set[str]:
    return {name for name in tracked() if "/" not in name and (ROOT / name).is_dir()}


def named(text: str) -> Iterator[str]:
    """Paths that begin with a folder of the repository; none with a gap, as in `tests/*.py`.

    `service/<name>` is also how kubectl and ECS name a service.
    """
    folders = "|".join(map(re.escape, top_folders()))
    for found in re.findall(rf"(?<![\w./$:@*-])((?:{folders})/[\w./*<>…-]*)", text):
        if not re.search(r"[*<>…]|^service/slipway-", found):
            yield found.rstrip("./")


@pytest.mark.parametrize("page", [*PAGES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_it_names_is_in_the_repository(page: Path) -> None:
    there = tracked() | TO_BE_MADE
    there |= {path.removesuffix(".in") for path in there}  # as `make lock` lists them
    assert [path for path in named(page.read_text()) if path not in there] == []


def test_every_file_that_contributing_names_without_its_folder_is_in_the_repository() -> None:
    names = {Path(name).name for name in tracked()}
    spans = set(re.findall(r"`([\w.-]+\.(?:py|md|yaml|toml|csv))`", CONTRIBUTING.read_text()))
    assert spans - names == set()


def test_every_folder_of_a_target_has_the_files_that_contributing_says_it_has() -> None:
    said = set(re.findall(r"`(\w+\.py)` (?:in|of) each target's folder", CONTRIBUTING.read_text()))
    assert said == {"limits.py", "names.py", "rules.py"}
    for target in ("cloud_run", "fargate", "gke", "kubernetes"):
        assert said - {path.name for path in (ROOT / "components" / target).iterdir()} == set(), target


def test_the_picture_of_the_house_has_the_packages_of_infra_in_their_order() -> None:
    [chain] = re.findall(r"(reference > [\w >,]+)", CONTRIBUTING.read_text())
    packages = re.findall(r"\w+", chain)
    assert set(packages) <= set(ORDER)
    steps = [re.findall(r"\w+", step) for step in chain.split(">")]
    places = [[ORDER.index(package) for package in step] for step in steps]
    assert all(min(above) > max(below) for above, below in pairwise(places))


def test_the_layout_lists_every_folder_and_no_other() -> None:
    [layout] = re.findall(r"^## Layout\n\n((?: {4}.*\n)+)", CONTRIBUTING.read_text(), re.MULTILINE)
    listed = re.findall(r"^ {4}([\w.-]+)/ ", layout, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in top_folders() if not name.startswith("."))
    within = re.findall(r"[(;, ]([a-z_]+)/", layout.replace("\n    ", "\n"))
    there = {Path(name).name for name in tracked() if (ROOT / name).is_dir()}
    assert set(within) <= there
