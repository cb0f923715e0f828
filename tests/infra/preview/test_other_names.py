"""A project or a stack's file under another name, which to Pulumi is another project or stack."""

from pathlib import Path
from typing import Any

import pytest

from tests.infra.command import report, slipway
from tests.infra.repository import DEV, commit, git, write_stack

LOCAL = {"target": "local", "memory": "1Gi", "port": "8123", "task": "classify"}


@pytest.fixture
def repository(project: Path) -> Path:
    """Create a repository with the stacks `dev` and `local`, without a program."""
    for stack in ("dev", "local"):
        write_stack(project, stack, LOCAL)
    git(project, "init", "--initial-branch", "main")
    commit(project, "Start")
    return project


def preview(folder: Path, *stacks: str) -> dict[str, Any]:
    return report(folder, "preview", *stacks, "--against", "main")


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {stack["name"]: stack for stack in found["stacks"]}


def rename_project(folder: Path) -> None:
    for file in folder.glob("Pulumi*.yaml"):
        text = file.read_text().replace("name: slipway\n", "name: other\n", 1)
        file.write_text(text.replace(" slipway:", " other:"))


def test_a_renamed_project_makes_everything_anew_and_replaces_nothing(repository: Path) -> None:
    rename_project(repository)
    found = preview(repository)
    assert found["verdict"] == "dangerous"
    [note] = found["against"]["notes"]
    assert "names the project other instead of slipway" in note
    assert "stays until `destroy`" in note
    for stack in found["stacks"]:
        assert stack["changes"]["counts"] == {"create": 1}
        assert stack["changes"]["settings"] == []
        [first, *_] = stack["risks"]
        assert first["text"] == "makes everything anew: to Pulumi the project other is another than slipway"
        assert f"pulumi destroy --stack {stack['name']}" in first["detail"]
        assert not any("alias" in risk["text"] + risk["detail"] for risk in stack["risks"])


def test_the_first_line_says_once_for_all_stacks_that_the_project_is_another(repository: Path) -> None:
    rename_project(repository)
    first = slipway(repository, "preview", "--against", "main").stdout.splitlines()[0]
    assert first.startswith("Verdict  dangerous. dev, local: makes everything anew")
    assert first.count("makes everything anew") == 1


def test_a_stack_of_a_renamed_project_costs_next_to_the_old_one(repository: Path) -> None:
    write_stack(repository, "run", DEV)
    commit(repository, "A stack that costs")
    rename_project(repository)
    [stack] = preview(repository, "run")["stacks"]
    maximum = stack["cost_change"]["maximum"]
    assert maximum["before"]["usd"] == 0 < maximum["after"]["usd"] == stack["cost"]["maximum"]["usd"]


@pytest.mark.parametrize("changes", [{}, {"memory": "2Gi"}])
def test_a_renamed_stack_file_names_the_stack_that_stays(repository: Path, changes: dict[str, str]) -> None:
    (repository / "Pulumi.dev.yaml").unlink()
    write_stack(repository, "staging", {**LOCAL, **changes})
    found = preview(repository)
    stacks = by_name(found)
    assert found["verdict"] == "dangerous"
    assert (stacks["dev"]["state"], stacks["staging"]["state"]) == ("removed", "new")
    [gone], [new] = stacks["dev"]["risks"], stacks["staging"]["risks"]
    assert gone["text"] == "removes the stack dev, of 1 resource: its file is now that of staging"
    assert new["text"] == "makes the stack staging, of 1 resource, next to dev, whose file it has"
    for risk in (gone, new):
        assert "until `pulumi destroy --stack dev` with its old file" in risk["detail"]
    assert stacks["staging"]["verdict"]["grade"] == "look"


def test_a_renamed_stack_file_is_said_where_only_the_new_name_is_asked_for(repository: Path) -> None:
    (repository / "Pulumi.dev.yaml").rename(repository / "Pulumi.staging.yaml")
    [stack] = preview(repository, "staging")["stacks"]
    assert "next to dev" in stack["risks"][0]["text"]


def test_stacks_with_other_settings_are_one_that_goes_and_one_that_comes(repository: Path) -> None:
    (repository / "Pulumi.dev.yaml").unlink()
    write_stack(repository, "staging", {"target": "local", "memory": "2Gi", "port": "8124", "cpu": "2"})
    stacks = by_name(preview(repository))
    assert stacks["dev"]["risks"][0]["text"] == "removes the stack dev, of 1 resource"
    assert stacks["staging"]["risks"][0]["text"] == "adds the stack staging, of 1 resource"


def test_of_two_new_stacks_the_one_most_like_it_has_the_file(repository: Path) -> None:
    (repository / "Pulumi.dev.yaml").unlink()
    write_stack(repository, "alike", {**LOCAL, "memory": "2Gi"})
    write_stack(repository, "same", LOCAL)
    stacks = by_name(preview(repository))
    assert "now that of same" in stacks["dev"]["risks"][0]["text"]
    assert stacks["alike"]["risks"][0]["text"].startswith("adds the stack alike")
