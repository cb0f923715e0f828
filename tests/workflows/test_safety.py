"""What a stranger's pull request could do with the workflows: nothing but be previewed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.workflows.steps import WORKFLOWS, workflow

FILES = sorted([*WORKFLOWS.glob("*.yml"), *(ROOT / ".github" / "actions").rglob("action.yml")])


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", ROOT / ".github"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("actionlint"), reason="there is no `actionlint` on PATH")
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(["actionlint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / ".github")))
def test_every_action_is_pinned_by_its_digest_and_says_its_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if (used := re.search(r"\buses: (\S+)(.*)", line)) and not used[1].startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", used[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", used[2]), line


def triggers(name: str) -> Any:
    return workflow(name)[True]  # YAML 1.1 reads the key `on` as true


def test_the_preview_of_a_fork_has_no_secret_and_may_only_read() -> None:
    assert triggers("preview") == "pull_request"
    [job] = workflow("preview")["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    text = (WORKFLOWS / "preview.yml").read_text()
    assert "secrets." not in text
    assert "id-token" not in text
    assert job["steps"][0]["with"]["persist-credentials"] is False


def test_what_may_comment_takes_no_code_of_the_pull_request() -> None:
    assert list(triggers("preview-comment")) == ["workflow_run"]
    [job] = workflow("preview-comment")["jobs"].values()
    assert [step for step in job["steps"] if "uses" in step] == []
    # What the fork chose, such as its branch's name, reaches the shell as a variable, never as its text.
    assert not [step for step in job["steps"] if "${{" in step["run"]]


@pytest.mark.parametrize("name", ["preview-engine", "up", "deploy", "drift"])
def test_an_identity_is_never_given_to_a_fork(name: str) -> None:
    found = triggers(name)
    if "pull_request" in found:
        for job in workflow(name)["jobs"].values():
            assert "head.repo.full_name == github.repository" in job["if"]
    assert "pull_request_target" not in found


def test_the_engines_preview_runs_on_protected_branches_alone() -> None:
    assert triggers("preview-engine") == {"push": {"branches": ["preview/**"]}}
    for job in workflow("preview-engine")["jobs"].values():
        assert job["if"].startswith("github.ref_protected && ")
        assert job["environment"].endswith("-preview")


def test_the_rules_of_the_default_branch_run_no_code_of_a_pull_request() -> None:
    assert list(triggers("preview-rules")) == ["workflow_run"]
    [job] = workflow("preview-rules")["jobs"].values()
    [checkout] = [each for each in job["steps"] if "actions/checkout@" in each.get("uses", "")]
    assert checkout["with"] == {"persist-credentials": False}  # no `ref`: the default branch
    assert job["permissions"] == {"actions": "read", "contents": "read", "statuses": "write"}
    assert not [each for each in job["steps"] if "${{" in each.get("run", "")]
    text = (WORKFLOWS / "preview-rules.yml").read_text()
    assert "secrets." not in text
    assert "id-token" not in text


def test_nothing_is_permitted_to_a_whole_workflow() -> None:
    for path in WORKFLOWS.glob("*.yml"):
        assert workflow(path.stem)["permissions"] == {}
