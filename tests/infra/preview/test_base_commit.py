"""Which commit `--against` compares with, and how it is called."""

from pathlib import Path

import pytest

from slipway.infra.preview.base_commit import base_commit
from tests.infra.command import slipway
from tests.infra.repository import commit, git, write_stack

LOCAL = {"target": "local", "memory": "1Gi"}


@pytest.fixture
def repository(project: Path) -> Path:
    """Create a branch with a change of its own, and a newer commit of somebody else on main."""
    write_stack(project, "local", LOCAL)
    git(project, "init", "--initial-branch", "main")
    commit(project, "Start")
    git(project, "tag", "start")
    git(project, "checkout", "--quiet", "-b", "mine")
    write_stack(project, "local", {**LOCAL, "memory": "2Gi"})
    commit(project, "Mine")
    git(project, "checkout", "--quiet", "main")
    write_stack(project, "extra", LOCAL)
    commit(project, "Theirs")
    git(project, "checkout", "--quiet", "mine")
    return project


@pytest.mark.parametrize("ref", ["main", "main..."])
def test_a_branch_is_compared_from_where_it_parted(repository: Path, ref: str) -> None:
    found = base_commit(repository, ref)
    assert found.commit == git(repository, "rev-parse", "start")
    [note] = found.notes
    assert f"Compared with {found.commit[:12]}, where main and HEAD part. main has 1 newer commit" in note
    assert found.label == f"main ({found.commit[:12]})"


def test_two_dots_compare_with_the_branch_itself(repository: Path) -> None:
    found = base_commit(repository, "main..")
    assert (found.commit, found.notes) == (git(repository, "rev-parse", "main"), ())


def test_a_colleagues_newer_stack_is_not_shown_as_one_that_is_deleted(repository: Path) -> None:
    shown = slipway(repository, "preview", "--against", "main").stdout
    assert "extra" not in shown
    assert "raises the memory limit from 1 to 2 GiB" in shown


@pytest.mark.parametrize("ref", ["HEAD^", "HEAD~1"])
def test_the_path_to_a_commit_is_no_name(repository: Path, ref: str) -> None:
    found = base_commit(repository, ref)
    assert found.label == git(repository, "rev-parse", "start")[:12]


def test_a_commit_without_a_common_past_is_compared_with_itself(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    alone = commit(repository, "Alone")
    git(repository, "checkout", "--quiet", "mine")
    found = base_commit(repository, "other")
    assert found.commit == alone
    assert "no common commit" in " ".join(found.notes)
