"""`slipway batch` as a user runs it."""

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, report, slipway


@pytest.fixture
def messages(project: Path) -> Path:
    with (project / "messages.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows([str(place), "are we still on for lunch"] for place in range(120))
    return project / "messages.csv"


def test_a_file_is_scored_here_with_the_stacks_model(project: Path, messages: Path) -> None:
    found = report(project, "batch", messages.name, "scores", "--keep", "id", "--part-rows", "50")
    assert (found["state"], found["rows"], found["results"], found["usd"]) == ("complete", 120, 120, 0)
    assert len(list((project / "scores").glob("part-*-of-00003.csv"))) == 3
    log = (project / ".slipway").glob("*/batch.log")
    assert "lunch" not in "".join(path.read_text() for path in log)


def test_failed_rows_decide_the_exit_code_and_are_pointed_out(project: Path) -> None:
    (project / "rows.jsonl").write_text('{"text": "fine"}\n{"text": ""}\n')
    done = slipway(project, "batch", "rows.jsonl", "scores")
    assert done.returncode == 1
    assert "scores/failed has them" in done.stderr
    assert slipway(project, "batch", "rows.jsonl", "scores", "--max-failed", "1").returncode == 0


def test_a_refusal_of_the_server_is_the_commands_own(project: Path, messages: Path) -> None:
    said = refused(project, "batch", messages.name, "scores", "--column", "text=message")
    assert "The input has no column 'message'" in said
    assert not (project / "scores").exists()
    assert "There is no" in refused(project, "batch", "nothing.csv", "scores")
    assert "bundled:nothing" in refused(project, "batch", messages.name, "s", "--model", "bundled:nothing")


def test_a_dry_run_starts_nothing(project: Path, messages: Path) -> None:
    done = slipway(project, "batch", messages.name, "scores", "--dry-run", "--format", "json")
    assert json.loads(done.stdout)["environment"]["BATCH_INPUT"] == str(messages)
    assert not (project / "scores").exists()


def test_a_batch_on_a_stack_needs_a_bucket(project: Path, messages: Path) -> None:
    write_stack(
        project, {"target": "cloud-run", "gcpProject": "a-project-1", "region": "europe-west4"}, "dev"
    )
    said = refused(project, "batch", messages.name, "scores", "--on", "dev")
    assert "a container of dev cannot reach" in said
