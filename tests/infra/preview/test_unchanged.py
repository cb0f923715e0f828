"""Stacks that are the same on both sides: the other commit's program does not run for them."""

from pathlib import Path

import pytest

from slipway.infra.preview.unchanged import unchanged_stacks
from tests.infra.repository import commit, git, write_stack

FILES = ("infra/program.py", "docs/guide.md", "tests/test_it.py", "data/model/a", "README.md", "main.py")
STACKS = {
    "dev": {"target": "local", "memory": "1Gi"},
    "prod": {"target": "local", "model": "file:data/model"},
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in (
        "infra/program.py",
        "docs/guide.md",
        "tests/test_it.py",
        "data/model/a",
        "README.md",
        "main.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1\n")
    for stack, settings in STACKS.items():
        write_stack(folder, stack, settings)
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "init", "--initial-branch", "main")
    commit(folder, "Start")
    return folder


def unchanged(folder: Path) -> set[str]:
    return set(unchanged_stacks(folder, "HEAD", STACKS))


@pytest.mark.parametrize("name", ["docs/guide.md", "tests/test_it.py", "README.md", "docs/new.md", "a.log"])
def test_prose_tests_and_what_git_ignores_are_read_by_no_program(repository: Path, name: str) -> None:
    (repository / name).write_text("2\n")
    assert unchanged(repository) == {"dev", "prod"}


@pytest.mark.parametrize("name", ["infra/program.py", "main.py", "infra/new.py", "Pulumi.yaml", "other/x"])
def test_whatever_else_changes_every_stack(repository: Path, name: str) -> None:
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text("2\n")
    assert unchanged(repository) == set()


def test_a_stacks_file_changes_that_stack_alone(repository: Path) -> None:
    write_stack(repository, "dev", {**STACKS["dev"], "memory": "2Gi"})
    assert unchanged(repository) == {"prod"}
    git(repository, "mv", "Pulumi.dev.yaml", "Pulumi.new.yaml")
    assert unchanged(repository) == {"prod"}


def test_what_a_stack_names_changes_it_wherever_it_lies(repository: Path) -> None:
    (repository / "docs/model").mkdir()
    write_stack(repository, "prod", {**STACKS["prod"], "model": "file:docs/model"})
    commit(repository, "Another place")
    (repository / "docs/model/weights").write_text("2\n")
    assert unchanged(repository) == {"dev"}


def test_a_commit_is_compared_and_not_the_index(repository: Path) -> None:
    (repository / "infra/program.py").write_text("2\n")
    commit(repository, "Another program")
    assert unchanged(repository) == {"dev", "prod"}
    assert unchanged_stacks(repository, "HEAD~1", STACKS) == frozenset()


def test_nothing_is_taken_for_the_same_where_git_does_not_say(repository: Path) -> None:
    assert unchanged_stacks(repository, "no-such-commit", STACKS) == frozenset()
