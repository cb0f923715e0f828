"""The steps of the workflows, run here."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.plan.run import plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import stack_config
from tests.checkout import ROOT, copy_of_the_checkout
from tests.workflows.steps import Runner, steps_of

COMMIT = "c" * 40
MARKER = "<!-- slipway-preview -->\n"
OWN = f"{MARKER}> Written by the code of this pull request.\n\n"
PULL = {"number": 7, "head": {"sha": COMMIT}}
# Types whose provider reads the secret's value when it refreshes them.
HOLDS_A_VALUE = {
    "gcp:secretmanager/secretVersion:SecretVersion",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "kubernetes:core/v1:Secret",
}
HERE = {
    "REPOSITORY": "acme/slipway",
    "COMMIT": COMMIT,
    "HEAD": "ada:a branch",
    "FORK": "false",
    "RUN": "42",
    "GITHUB_SERVER_URL": "https://github.com",
}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "preview").mkdir()
    return Runner(tmp_path)


def comment(runner: Runner, preview: bytes, **known: Any) -> subprocess.CompletedProcess[str]:
    (runner.folder / "preview" / "preview.md").write_bytes(preview)
    runner.github(**known)
    return runner.run("preview-comment", "Comment", **HERE)


def test_a_first_preview_becomes_a_comment(runner: Runner) -> None:
    done = comment(runner, b"# Changes\n", pulls=[{"number": 6, "head": {"sha": "d" * 40}}, PULL])
    assert done.returncode == 0, done.stderr
    assert runner.written() == [["POST", "repos/acme/slipway/issues/7/comments", f"{OWN}# Changes\n"]]


def test_a_forks_preview_says_who_wrote_it(runner: Runner) -> None:
    (runner.folder / "preview" / "preview.md").write_text("# Safe\n")
    runner.github(pulls=[PULL])
    done = runner.run("preview-comment", "Comment", **{**HERE, "FORK": "true"})
    assert done.returncode == 0, done.stderr
    [[_, _, body]] = runner.written()
    said = "> Written by the code of a fork, which can make it say anything.\n\n# Safe\n"
    assert body == f"{MARKER}{said}"


def test_a_comment_links_the_page_of_its_run_where_there_is_one(runner: Runner) -> None:
    (runner.folder / "preview" / "preview.html").write_text("<!doctype html>")
    done = comment(runner, b"# Changes\n", pulls=[PULL])
    assert done.returncode == 0, done.stderr
    [[_, _, body]] = runner.written()
    first, _, rest = body.removeprefix(MARKER).partition("\n")
    assert "[artifact](https://github.com/acme/slipway/actions/runs/42#artifacts) `preview`" in first
    assert (first[0], rest) == (">", "\n# Changes\n")


@pytest.mark.parametrize(
    ("fork", "order"),
    [("false", ["safe", "Written by", "## Preview"]), ("true", ["Written by", "safe", "## Preview"])],
)
def test_the_verdict_is_the_first_line_unless_a_fork_wrote_it(
    runner: Runner, fork: str, order: list[str]
) -> None:
    text = (ROOT / "tests/infra/approved/comment-harmless.md").read_text()
    (runner.folder / "preview" / "preview.md").write_text(text)
    runner.github(pulls=[PULL])
    done = runner.run("preview-comment", "Comment", **{**HERE, "FORK": fork})
    assert done.returncode == 0, done.stderr
    [[_, _, body]] = runner.written()
    assert body.startswith(MARKER)
    assert sorted(order, key=body.index) == order
    assert body.replace(MARKER, "").endswith(text.partition("## Preview")[2])
    assert "\n\n> Written by" in body.replace(MARKER, "\n\n", 1)


def test_the_next_one_takes_its_place_and_leaves_what_others_wrote(runner: Runner) -> None:
    comments = [
        {"id": 1, "user": {"login": "eve"}, "body": f"{MARKER}mine"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "of another workflow"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}before"},
    ]
    done = comment(runner, b"after", pulls=[PULL], comments=comments)
    assert done.returncode == 0, done.stderr
    assert runner.written() == [["PATCH", "repos/acme/slipway/issues/comments/3", f"{OWN}after"]]


def test_a_preview_of_a_commit_that_is_no_longer_the_head_is_not_told(runner: Runner) -> None:
    done = comment(runner, b"old", pulls=[{"number": 7, "head": {"sha": "d" * 40}}])
    assert (done.returncode, runner.written()) == (0, [])
    assert "No open pull request has the head" in done.stdout


def test_a_comment_is_within_githubs_limit_and_holds_whole_characters(runner: Runner) -> None:
    done = comment(runner, "é".encode() * 50_000 + b"\xff", pulls=[PULL])
    assert done.returncode == 0, done.stderr
    [[_, _, body]] = runner.written()
    assert len(body) <= 65_536
    assert set(body.removeprefix(OWN)) == {"é"}


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 0), (255, 255)])
def test_the_engines_preview_is_in_the_summary_and_its_failure_is_the_jobs(
    runner: Runner, exit_code: int, expected: int
) -> None:
    runner.program("pulumi", f'#!/bin/bash\necho "Previewing $3"\nexit {exit_code}\n')
    done = runner.run("preview-engine", "Preview", STACK="prod")
    assert done.returncode == expected
    assert runner.text("summary.md") == "### prod, by the engine\n```text\nPreviewing prod\n```\n"


def test_drift_is_told_once_in_an_issue_of_its_stack(runner: Runner) -> None:
    runner.program("pulumi", "#!/bin/bash\necho '~ service memory 2Gi => 4Gi'\nexit 255\n")
    assert runner.run("drift", "Compare", STACK="prod").returncode == 0
    assert runner.text("output.txt") == "same=false\n"
    runner.github(issues=[{"number": 3, "title": "Stack prod-aws differs from main"}])
    assert runner.run("drift", "Tell", STACK="prod", REPOSITORY="acme/slipway").returncode == 1
    [[verb, _, body]] = runner.written()
    assert verb == "create"
    assert "memory 2Gi => 4Gi" in body
    runner.github(issues=[{"number": 4, "title": "Stack prod differs from main"}])
    runner.run("drift", "Tell", STACK="prod", REPOSITORY="acme/slipway")
    assert [each[:2] for each in runner.written()] == [["edit", "4"]]


def test_without_drift_nobody_is_told(runner: Runner) -> None:
    runner.program("pulumi", "#!/bin/bash\nexit 0\n")
    assert runner.run("drift", "Compare", STACK="prod").returncode == 0
    assert runner.text("output.txt") == "same=true\n"


def matches(pattern: str, urn: str) -> bool:
    """As the engine does, in pkg/v3/resource/deploy/deployment.go: `*` within a part, `**` across parts."""
    parts = (re.escape(part).replace(r"\*", "[^:]*") for part in pattern.split("**"))
    return re.fullmatch(".*".join(parts), urn) is not None


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-aws"])
def test_drift_reads_everything_but_the_values_of_secrets(runner: Runner, stack: str) -> None:
    runner.program("pulumi", '#!/bin/bash\nprintf "%s\\n" "$@"\n')
    assert runner.run("drift", "Compare", STACK=stack).returncode == 0
    words = runner.text("drift.txt").splitlines()
    left_out = [words[place + 1] for place, word in enumerate(words) if word == "--exclude"]
    resources = plan_of(main, stack_config(ROOT, stack)).resources
    unread = {each.type for each in resources if any(matches(pattern, each.urn) for pattern in left_out)}
    assert unread == {each.type for each in resources if each.type in HOLDS_A_VALUE}
    assert unread


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def pull_request(tmp_path: Path) -> Runner:
    """Check out the target branch's commit and one on top, which gives dev more memory.

    dev is its only stack of a cloud: the step previews all in one run, and each cloud's SDK takes seconds.
    """
    folder = copy_of_the_checkout(tmp_path / "checkout")
    for stack in folder.glob("Pulumi.prod*.yaml"):
        stack.unlink()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "target")
    stack = folder / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("memory: 1Gi", "memory: 2Gi"))
    git(folder, "commit", "-qam", "more memory")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Runner(folder)


def test_a_pull_request_is_previewed_into_the_summary_and_the_artifact(pull_request: Runner) -> None:
    done = pull_request.run("preview", "Preview", GITHUB_BASE_REF="main")
    assert done.returncode == 0, done.stderr
    shown = pull_request.text("preview/preview.md")
    assert shown == pull_request.text("summary.md")
    page = pull_request.text("preview/preview.html")
    assert page.startswith("<!doctype html>")
    assert "2Gi" in page
    [uploaded] = [each["with"] for each in steps_of("preview") if "upload-artifact" in each.get("uses", "")]
    assert uploaded["path"].split() == [
        *("preview/preview.md", "preview/preview.html", "preview/preview.json")
    ]
    found = json.loads(pull_request.text("preview/preview.json"))
    assert found["schema"] == "slipway-preview"
    assert "memory" in shown
    assert "1Gi" in shown
    assert "2Gi" in shown


def test_a_program_that_cannot_be_read_fails_the_job_and_is_told(pull_request: Runner) -> None:
    stack = pull_request.folder / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("memory: 2Gi", "memory: lots"))
    git(pull_request.folder, "commit", "-qam", "nonsense")
    done = pull_request.run("preview", "Preview", GITHUB_BASE_REF="main")
    assert done.returncode == 2
    for place in ("preview/preview.md", "preview/preview.html", "summary.md"):
        assert "memory" in pull_request.text(place)
        assert "lots" in pull_request.text(place)


def test_a_preview_with_nothing_to_compare_with_leaves_its_reason_and_no_page(pull_request: Runner) -> None:
    project = pull_request.folder / "Pulumi.yaml"
    right = project.read_text()
    for text in ("name: [", right):
        project.write_text(text)
        git(pull_request.folder, "commit", "-qam", text[:7])
    done = pull_request.run("preview", "Preview", GITHUB_BASE_REF="main")
    assert done.returncode == 2
    assert pull_request.text("preview/preview.md").startswith("There is no preview:\n```text\n")
    assert "Pulumi.yaml" in pull_request.text("preview/preview.md")
    assert "nothing to compare with" in pull_request.text("preview/preview.md")
    assert not (pull_request.folder / "preview/preview.html").exists()
