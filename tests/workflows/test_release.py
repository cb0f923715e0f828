"""What becomes a release, and how: the steps are run here, the attestations only on GitHub."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_of_the_checkout
from tests.releases.cut import version_of
from tests.workflows.steps import Runner, steps_of, workflow

VERSION = version_of(ROOT)
TAG = f"v{VERSION}"
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout into a repository of its own, whose main is also origin/main."""
    folder = copy_of_the_checkout(tmp_path_factory.mktemp("release") / "clone")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def runner(clone: Path) -> Runner:
    git(clone, "checkout", "-q", "-f", "main")
    git(clone, "clean", "-qfdx")
    return Runner(clone)


def checked(runner: Runner, tag: str) -> subprocess.CompletedProcess[str]:
    commit = git(runner.folder, "rev-parse", "HEAD")
    return runner.run("release", "Check the tag", GITHUB_SHA=commit, GITHUB_REF_NAME=tag)


def changelog(runner: Runner, old: str, new: str) -> None:
    path = runner.folder / "CHANGELOG.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def cut_now(runner: Runner) -> None:
    """Leave nothing unreleased, whatever this commit has there."""
    path = runner.folder / "CHANGELOG.md"
    path.write_text(re.sub(r"(?s)## Unreleased\n.*?(?=\n## )", "## Unreleased\n", path.read_text(), count=1))


def test_a_tag_on_main_is_released_with_its_section_of_the_changelog(runner: Runner) -> None:
    cut_now(runner)
    done = checked(runner, TAG)
    assert done.returncode == 0, done.stderr
    notes = runner.text("release/notes.md")
    assert notes.startswith("### Replaces resources\n- ")
    assert "\n## " not in notes


@pytest.mark.parametrize("tag", ["v9.9.9", VERSION, f"{TAG}-rc1"])
def test_a_tag_that_is_not_the_version_is_refused(runner: Runner, tag: str) -> None:
    cut_now(runner)
    done = checked(runner, tag)
    assert done.returncode == 1
    assert f"the tag is {tag}, and pyproject.toml has the version {VERSION}" in done.stderr


def test_a_release_without_a_section_or_with_entries_that_are_not_released_is_refused(runner: Runner) -> None:
    changelog(runner, f"## {VERSION} - ", "## 0.0.1 - ")
    assert f"has no section `## {VERSION} - <date>`" in checked(runner, TAG).stderr
    git(runner.folder, "checkout", "-q", "CHANGELOG.md")
    changelog(runner, "## Unreleased\n", "## Unreleased\n\n### Fixed\n- A fault.\n")
    done = checked(runner, TAG)
    assert (done.returncode, "entries under Unreleased" in done.stderr) == (1, True)


def test_a_commit_that_is_not_on_main_is_refused(runner: Runner) -> None:
    git(runner.folder, "checkout", "-q", "-B", "other")
    git(runner.folder, "commit", "-q", "--allow-empty", "-m", "Not merged")
    done = checked(runner, TAG)
    assert done.returncode == 1
    assert f"{TAG} is not on main" in done.stdout


def test_what_was_built_is_published_under_its_tag_and_not_what_was_changed_since(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.github()
    files = tmp_path / "release/dist"
    files.mkdir(parents=True)
    (files / "slipway-0.2.0-py3-none-any.whl").write_text("wheel")
    sums = subprocess.run(["sha256sum", *os.listdir(files)], cwd=files, capture_output=True, text=True)
    (files / "SHA256SUMS").write_text(sums.stdout)
    given = {"GITHUB_REF_NAME": "v0.2.0", "REPOSITORY": "acme/slipway"}
    done = runner.run("release", "Publish", **given)
    assert done.returncode == 0, done.stderr
    [call] = json.loads(runner.text("gh.json"))["calls"]
    assert call[:3] == ["release", "create", "v0.2.0"]
    assert "--verify-tag" in call
    assert call[-2:] == ["release/dist/SHA256SUMS", "release/dist/slipway-0.2.0-py3-none-any.whl"]
    (files / "slipway-0.2.0-py3-none-any.whl").write_text("another")
    assert runner.run("release", "Publish", **given).returncode != 0
    assert len(json.loads(runner.text("gh.json"))["calls"]) == 1


def test_what_builds_may_only_read_and_what_publishes_runs_no_code_of_the_repository() -> None:
    jobs = workflow("release")["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["attest"]["permissions"] == {"id-token": "write", "attestations": "write"}
    assert jobs["publish"]["permissions"] == {"contents": "write"}
    for name in ("attest", "publish"):
        assert not [step for step in jobs[name]["steps"] if "checkout" in step.get("uses", "")]
    assert [jobs[name].get("needs") for name in jobs] == [None, "build", "attest"]
    assert jobs["publish"]["environment"] == "release"


def test_the_list_of_components_that_is_attested_is_one_that_is_built(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    assert runner.run("release", "Name the list of components", GITHUB_REF_NAME=TAG).returncode == 0
    path = runner.text("output.txt").strip().removeprefix("path=")
    assert path == f"release/dist/slipway-{VERSION}.cdx.json"
    [step] = [each for each in steps_of("release") if "sbom-path" in each.get("with", {})]
    assert step["with"]["sbom-path"] == "${{ steps.list.outputs.path }}"


PIP_AUDIT = """
import json, os, sys
name = sys.argv[-1]
if os.environ["SAYS"] == "down":
    sys.exit("ERROR:pip_audit._cli:Couldn't connect to PyPI")
one = {"name": "pulumi", "version": "1.0", "vulns": []}
if os.environ["SAYS"] == "nothing" or (os.environ["SAYS"] == "some" and name.endswith("/requirements.txt")):
    one = {"name": "pulumi", "skip_reason": "not found on PyPI"}
if os.environ["SAYS"] == "vulnerable" and name.endswith("requirements-local.txt"):
    one["vulns"] = [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}]
two = {"name": "rich", "version": "2.0", "vulns": []}
if os.environ["SAYS"] == "nothing":
    two = {"name": "rich", "skip_reason": "not found on PyPI"}
print(json.dumps({"dependencies": [one, two]}))
"""


@pytest.mark.parametrize(
    ("says", "code", "sentence"),
    [
        ("clean", 0, "0 findings"),
        ("vulnerable", 1, "requirements-local.txt: pulumi 1.0: PYSEC-2026-1, fixed in 1.1"),
        ("some", 1, "requirements.txt: pulumi: not found on PyPI"),
        ("nothing", 75, "no database of vulnerabilities has the packages of"),
        ("down", 75, "Couldn't connect to PyPI"),
    ],
)
def test_the_audit_fails_for_what_is_known_and_never_passes_without_a_database(
    tmp_path: Path, says: str, code: int, sentence: str
) -> None:
    (tmp_path / "pip_audit.py").write_text(PIP_AUDIT)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/audit"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "SAYS": says},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, sentence in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
