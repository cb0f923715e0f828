"""`slipway init` makes a project that works, and never touches what is there."""

from pathlib import Path

import pytest

from tests.infra.command import refused, report, slipway

MADE = {".gitignore", "Pulumi.yaml", "Pulumi.local.yaml", "__main__.py", "models/.gitkeep"}


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_project_is_previewed_under_its_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    assert report(folder, "init", "--yes")["project"] == "my-shop"
    assert files_in(folder).keys() == MADE
    [stack] = report(folder, "preview")["stacks"]
    assert (stack["name"], stack["target"]) == ("local", "local")
    assert "my-shop-local" in str(stack)


def test_without_an_answer_nothing_is_written(tmp_path: Path) -> None:
    done = slipway(tmp_path, "init", "--name", "shop")
    assert done.returncode == 2
    assert "Pulumi.local.yaml" in done.stderr
    assert "There is no terminal to ask on. To write these files, add --yes." in done.stderr
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("name", ["Pulumi.yaml", "__main__.py", "Pulumi.local.yaml"])
def test_a_file_that_is_there_is_named_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("theirs")
    assert name in refused(tmp_path, "init", "--yes", "--name", "shop")
    assert files_in(tmp_path) == {name: "theirs"}


def test_lines_of_gitignore_are_added_once_and_models_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n.venv/")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/.gitkeep").write_text("theirs")
    report(tmp_path, "init", "--yes", "--name", "shop")
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.venv/\n.slipway/\n__pycache__/\n"
    assert (tmp_path / "models/.gitkeep").read_text() == "theirs"


def test_what_was_written_is_taken_back_where_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, no folder")
    assert "Nothing was left" in refused(tmp_path, "init", "--yes", "--name", "shop")
    assert files_in(tmp_path) == {"models": "a file, no folder"}


@pytest.mark.parametrize("name", ["", "Shop", "1shop", "a" * 31, "shop/../x"])
def test_a_name_that_a_service_could_not_have_is_refused(tmp_path: Path, name: str) -> None:
    assert "project's name has" in refused(tmp_path, "init", "--yes", "--name", name)
    assert files_in(tmp_path) == {}
