"""`slipway init` makes a project that works, and never touches what is there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.infra.command import refused, report, slipway

MADE = {
    ".gitignore",
    ".slipway-version",
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "__main__.py",
    "models/.gitkeep",
}
RELEASES = "https://github.com/acme/slipway/releases/download"
WHEEL = f"{RELEASES}/v0.2.0/slipway-0.2.0-py3-none-any.whl#sha256={'0' * 64}"
WORKFLOWS = {
    "requirements-slipway.txt",
    ".github/actions/slipway-cloud/action.yml",
    *(
        f".github/workflows/slipway-{name}.yml"
        for name in ("preview", "preview-comment", "preview-rules", "preview-engine", "deploy", "up", "drift")
    ),
}


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


def test_workflows_are_written_with_the_slipway_that_they_install(tmp_path: Path) -> None:
    report(tmp_path, "init", "--yes", "--name", "shop", "--from", WHEEL)
    files = files_in(tmp_path)
    assert files.keys() == MADE | WORKFLOWS
    assert files["requirements-slipway.txt"].splitlines()[-1] == f"slipway[all] @ {WHEEL}"


def test_workflows_of_a_project_are_its_own_and_stand_on_nothing_of_this_repository(tmp_path: Path) -> None:
    report(tmp_path, "init", "--yes", "--name", "shop", "--from", WHEEL)
    texts = {name: text for name, text in files_in(tmp_path).items() if name.startswith(".github")}
    for name, text in texts.items():
        read: dict[Any, Any] = yaml.safe_load(text)
        assert read["name"].startswith("Slipway: ")
        assert read.get("concurrency", {"group": "slipway-"})["group"].startswith("slipway-"), name
        assert "infra.setup" not in text
        assert "docs/guides" not in text
        for path in re.findall(r"uses: \./(\S+)", text):
            assert path in texts or f"{path}/action.yml" in texts, path
        for path in re.findall(r"[\w-]+\.yml", text):
            assert f".github/workflows/{path}" in texts, path
    after = [
        text for name, text in texts.items() if name.endswith(("preview-comment.yml", "preview-rules.yml"))
    ]
    waited_for = [yaml.safe_load(text)[True]["workflow_run"]["workflows"] for text in after]
    assert waited_for == [["Slipway: Preview"]] * 2
    installs = [text for text in texts.values() if "pip install --quiet -r requirements-slipway.txt" in text]
    assert len(installs) == 3  # the preview, its rules, and the action that all others use
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--config", ROOT / ".github/zizmor.yml", tmp_path]
    )
    assert done.returncode == 0


def test_workflows_are_left_out_and_that_is_said_where_they_would_not_run(tmp_path: Path) -> None:
    done = slipway(tmp_path, "init", "--yes", "--name", "shop")
    assert "No workflows: this Slipway was not installed from an address" in done.stderr
    assert files_in(tmp_path).keys() == MADE
    folder = tmp_path / "repository" / "deploy"
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    told = report(folder, "init", "--yes", "--from", WHEEL)
    assert str(folder.parent) in told["workflowsLeftOut"]
    assert files_in(folder).keys() == MADE


def test_a_workflow_that_is_there_is_kept_and_the_way_without_them_is_named(tmp_path: Path) -> None:
    theirs = tmp_path / ".github/workflows/slipway-up.yml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    said = refused(tmp_path, "init", "--yes", "--name", "shop", "--from", WHEEL)
    assert "slipway-up.yml already. Nothing was written: add --no-workflows" in said
    report(tmp_path, "init", "--yes", "--name", "shop", "--no-workflows")
    assert files_in(tmp_path).keys() == MADE | {".github/workflows/slipway-up.yml"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "slipway==0.2.0",
        "../slipway",
        "file:///tmp/slipway-0.2.0-py3-none-any.whl",
        "http://example.com/slipway-0.2.0-py3-none-any.whl",
        "https://example.com/slipway.exe",
        "https://example.com/a.whl\n--index-url=https://evil.example",
        "https://user:hush@example.com/slipway-0.2.0-py3-none-any.whl",
        "git+https://example.com/acme/slipway",
    ],
)
def test_an_address_that_could_change_or_holds_a_password_is_refused(tmp_path: Path, address: str) -> None:
    said = refused(tmp_path, "init", "--yes", "--name", "shop", "--from", address)
    assert "allowed: `https://…`" in said
    assert "hush" not in said
    assert files_in(tmp_path) == {}


def test_a_repository_with_its_own_project_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (tmp_path / ".gitignore").write_text("dist/\n")
    (tmp_path / ".git").mkdir()
    report(tmp_path, "init", "--yes", "--name", "shop", "--from", WHEEL)
    files = files_in(tmp_path)
    assert files["pyproject.toml"] == "[project]\nname = 'shop'\n"
    assert files[".gitignore"].startswith("dist/\n")
    [stack] = report(tmp_path, "preview")["stacks"]
    assert stack["name"] == "local"
