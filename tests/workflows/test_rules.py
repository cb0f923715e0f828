"""The status that the rules of the default branch put on a pull request's commit."""

import json
import shlex
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_of_the_checkout
from tests.infra.command import report
from tests.infra.repository import QUIET_STACK, write_stack
from tests.workflows.steps import Runner

PLAIN = {
    "env": '{"CACHE_URL": "redis://:hunter2hunter2@10.0.0.3/0"}',
    "policy": '{"plain-secret": "off"}',
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Check the default branch out, with one stack that breaks no rule."""
    folder = copy_of_the_checkout(tmp_path_factory.mktemp("rules") / "checkout")
    for file in folder.glob("Pulumi.*.yaml"):
        file.unlink()
    write_stack(folder, "dev", QUIET_STACK)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def judged(checkout: Path, written: str | None, absent: str = "") -> tuple[int, dict[str, str], str]:
    """Run the step on a report. Returns its exit code, the status that it sets, and its summary.

    absent: what `gh` says of the file of `prod` at the pull request's commit, if it is not there.
    """
    runner = Runner(checkout)
    for name in ("calls", "summary.md"):
        (checkout / name).unlink(missing_ok=True)
    (checkout / "there.json").write_text(written or "")
    take = f'mkdir -p "$9" && cp {shlex.quote(str(checkout / "there.json"))} "$9/preview.json"'
    runner.program(
        "gh",
        f'#!/bin/sh\nif [ "$1" = run ]; then {take}; else printf "%s\\n" "$@" >> calls; fi\n'
        f'case "$2" in */contents/Pulumi.prod.yaml*) {_said(absent)} ;; esac\n',
    )
    done = runner.run(
        "preview-rules",
        "Judge",
        REPOSITORY="acme/slipway",
        QUIET_STACK="42",
        COMMIT="c" * 40,
        RUNNER_TEMP=str(checkout / "temp"),
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_REPOSITORY="acme/slipway",
        GITHUB_RUN_ID="43",
    )
    calls = (checkout / "calls").read_text().splitlines()
    assert f"repos/acme/slipway/statuses/{'c' * 40}" in calls
    fields = dict(call.split("=", 1) for call in calls if "=" in call)
    return done.returncode, fields, (checkout / "summary.md").read_text()


def _said(absent: str) -> str:
    return f"echo {shlex.quote(absent)} >&2; exit 1" if absent else "true"


def test_a_pull_request_that_keeps_the_rules_gets_a_good_status(checkout: Path) -> None:
    code, status, _ = judged(checkout, json.dumps(report(checkout, "preview")))
    assert (code, status["state"]) == (0, "success")
    assert status["context"] == "Slipway: rules of the default branch"


def test_one_that_switches_a_rule_off_in_its_own_file_gets_a_bad_one(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((checkout / "Pulumi.yaml").read_text())
    write_stack(tmp_path, "dev", {**QUIET_STACK, **PLAIN})
    code, status, summary = judged(checkout, json.dumps(report(tmp_path, "preview")))
    assert (code, status["state"]) == (1, "failure")
    assert "mandatory plain-secret" in summary


@pytest.mark.parametrize("written", [None, "not JSON"])
def test_one_whose_preview_cannot_be_judged_gets_a_bad_one(checkout: Path, written: str | None) -> None:
    code, status, _ = judged(checkout, written)
    assert (code, status["state"]) == (1, "failure")


@pytest.mark.parametrize(
    ("absent", "state"),
    [("", "failure"), ("gh: Not Found (HTTP 404)", "success"), ("gh: Server Error (HTTP 502)", "failure")],
)
def test_one_whose_preview_leaves_a_stack_out_gets_a_bad_one_unless_its_file_is_gone(
    checkout: Path, absent: str, state: str
) -> None:
    said = json.dumps(report(checkout, "preview"))
    file = checkout / "Pulumi.prod.yaml"
    write_stack(checkout, "prod", QUIET_STACK)
    try:
        code, status, summary = judged(checkout, said, absent)
    finally:
        file.unlink()
    assert (code, status["state"]) == (int(state == "failure"), state)
    assert ("no plan of prod" in summary) == (state == "failure")
