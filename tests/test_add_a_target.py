"""docs/guides/add-a-target.md: its files and edits are all that a new target takes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import copy_of_the_checkout
from tests.docs.pages import commands
from tests.infra.repository import commit, git

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/add-a-target.md").read_text()
BLOCK = re.compile(r"^`(\S+)`[^\n]*:\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
[COMMANDS] = commands(GUIDE)
# Edited by hand; `make reference` writes the rest.
MOST_EXISTING_FILES = 6


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the clone's own code, and this checkout's environment."""
    env = {**os.environ, "PYTHONPATH": str(clone), "PATH": f"{clone / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=clone, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def slipway(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(clone, sys.executable, "-m", "slipway.infra.cli", *arguments)


def edit(file: Path, diff: str) -> None:
    """Apply the parts of a diff that a blank line separates; each is found in the file once."""
    for part in diff.split("\n \n"):
        lines = part.strip("\n").split("\n")
        old = "\n".join(line[1:] for line in lines if line[0] in " -")
        new = "\n".join(line[1:] for line in lines if line[0] in " +")
        text = file.read_text()
        assert text.count(old) == 1, f"{file}: {old}"
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Follow the guide in a copy of the checkout."""
    clone = copy_of_the_checkout(tmp_path_factory.mktemp("guide") / "clone")
    git(clone, "init", "--initial-branch", "main")
    commit(clone, "Start")
    for name, kind, text in BLOCK.findall(GUIDE):
        file = clone / name
        if kind == "diff":
            edit(file, text)
        else:
            assert not file.exists(), name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
    commit(clone, "Add a target by hand")
    written = run(clone, sys.executable, "-m", "slipway.infra.reference")
    assert written.returncode == 0, written.stderr
    _, *make_stack_file, _, _ = COMMANDS.splitlines()
    assert run(clone, "sh", "-ec", "\n".join(make_stack_file)).returncode == 0
    return clone


def test_a_new_target_touches_no_more_than_six_existing_files(clone: Path) -> None:
    changed = git(clone, "diff", "--name-only", "--diff-filter=M", "main~1", "main").split()
    assert 4 <= len(changed) <= MOST_EXISTING_FILES, changed
    generated = ("Pulumi.yaml", "docs/reference/")
    assert [
        name for name in git(clone, "diff", "--name-only").split() if not name.startswith(generated)
    ] == []


def test_the_new_target_is_planned_priced_and_judged(clone: Path) -> None:
    done = slipway(clone, "preview", "harbor", "--format", "json")
    assert done.returncode == 0, done.stderr
    [stack] = json.loads(done.stdout)["stacks"]
    [app] = [each for each in stack["resources"] if each["type"] == "skiff:index/app:App"]
    assert (app["inputs"]["harbor"], app["inputs"]["secrets"]) == ("genoa", "[secret]")
    assert stack["outputs"]["url"] == "https://slipway-harbor.skiff.example"
    assert "no price is known for the type skiff:index/app:App" in json.dumps(stack["cost"])
    assert not stack.get("not_judged")


def test_what_the_new_cloud_does_not_allow_is_refused_in_the_words_of_the_stack_file(clone: Path) -> None:
    option = COMMANDS.splitlines()[-1].partition("preview harbor ")[2].split()
    done = slipway(clone, "preview", "harbor", *option)
    assert done.returncode == 2
    assert "memory" in done.stderr
    assert "Skiff allows at most 32" in done.stderr


def test_the_new_cloud_is_asked_through_its_program_which_is_named_where_it_is_missing(clone: Path) -> None:
    assert "`skiff`, which is not on PATH" in slipway(clone, "status", "harbor").stderr
    program = clone / "bin/skiff"
    program.parent.mkdir(exist_ok=True)
    program.write_text('#!/bin/sh\necho \'{"running": true, "url": "https://a.example"}\'\n')
    program.chmod(0o755)
    try:
        done = slipway(clone, "status", "harbor", "--format", "json")
    finally:
        program.unlink()
    assert json.loads(done.stdout)["state"] == "ready", done.stderr


def test_the_new_files_keep_the_rules_of_style(clone: Path) -> None:
    names = [name for name, kind, _ in BLOCK.findall(GUIDE) if kind == "python"]
    for command in (("check", "--config", "pyproject.toml"), ("format", "--check")):
        done = run(clone, sys.executable, "-m", "ruff", *command, *names)
        assert done.returncode == 0, done.stdout
