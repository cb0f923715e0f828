"""`slipway batch` as a user runs it."""

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import write_stack
from tests.infra.command import COMMAND, ENVIRONMENT, refused, report, slipway


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


def test_an_interrupted_batch_stops_at_a_checkpoint_and_says_how_to_go_on(project: Path) -> None:
    with (project / "many.csv").open("w") as file:
        file.write("text\n" + "are we still on for lunch\n" * 20_000)
    command = [*COMMAND, "batch", "many.csv", "scores", "--part-rows", "4000"]
    with subprocess.Popen(
        command, cwd=project, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + 60
        while not list((project / "scores").glob("part-*")) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "Go on: `slipway batch many.csv scores --part-rows 4000`" in said
    kept = len(list((project / "scores").glob("part-*")))
    assert 0 < kept < 5
    found = report(project, "batch", "many.csv", "scores", "--part-rows", "4000")
    assert (found["rows"], found["results"]) == (20_000, 20_000)
