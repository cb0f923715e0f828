"""`slipway batch --on STACK` with a target that runs batches, and with one that runs none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.infra.cli import batch as command
from slipway.infra.cli.app import app
from slipway.infra.plan.config import StackConfig
from slipway.infra.targets.batch_run import BatchOrder, BatchProgress, BatchRun, BatchState, ShardLines
from slipway.infra.targets.cloud_run import CloudRun
from tests.conftest import write_stack

ON_DEV = ["batch", "gs://rows/in/", "gs://rows/out", "--on", "dev"]


class ScriptedRun(BatchRun):
    """A batch whose target answers what a test says."""

    def __init__(self, answers: Iterator[BatchProgress | KeyboardInterrupt]) -> None:
        self.answers, self.done = answers, list[str]()

    def start(self) -> None:
        self.done.append("start")

    def progress(self) -> BatchProgress:
        answer = next(self.answers)
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        return answer

    def stop(self) -> None:
        self.done.append("stop")

    def collect(self) -> None:
        self.done.append("collect")

    def log_command(self) -> str:
        return "gcloud logging read"


@pytest.fixture
def stack(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = {
        "target": "cloud-run",
        "project": "a-project-1",
        "region": "europe-west4",
        "cpu": "2",
        "memory": "4Gi",
    }
    write_stack(project, settings, "dev")
    monkeypatch.chdir(project)
    monkeypatch.setattr(command, "_CLOUD_SECONDS", 0)
    return project


@pytest.fixture
def scripted(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[ScriptedRun, list[BatchOrder]]]:
    def script(*answers: BatchProgress | KeyboardInterrupt) -> tuple[ScriptedRun, list[BatchOrder]]:
        run, orders = ScriptedRun(iter(answers)), list[BatchOrder]()

        def batch(
            self: CloudRun, config: StackConfig, order: BatchOrder, say: Callable[[str], None]
        ) -> BatchRun:
            del self, config, say
            orders.append(order)
            return run

        monkeypatch.setattr(CloudRun, "batch", batch)
        return run, orders

    return script


Scripted = Callable[..., tuple[ScriptedRun, list[BatchOrder]]]


def test_it_is_priced_before_it_starts_and_after_it_ended(scripted: Scripted) -> None:
    running = BatchProgress(BatchState.RUNNING, rows=1000, rows_done=400, rows_per_second=50, seconds_left=12)
    complete = BatchProgress(BatchState.COMPLETE, rows=1000, rows_done=1000, instance_seconds=3600)
    run, orders = scripted(running, complete)
    done = CliRunner().invoke(app, [*ON_DEV, "--shards", "4", "--spot", "--rows", "1000000", "--yes"])
    assert done.exit_code == 0, done.output
    assert "4 instances of Cloud Run, 2 vCPU and 4 GiB, $0.16 an hour each" in done.stderr
    assert "1,000,000 rows take about" in done.stderr
    assert "400 of 1,000 rows, 50 a second, 0:12 left" in done.stderr
    assert "1,000 results in gs://rows/out" in done.stdout
    assert "Cost: $0.16, for 3,600 s of Cloud Run" in done.stdout
    assert run.done == ["start", "collect"]
    assert [(order.shards, order.spot) for order in orders] == [(4, True)]


def test_it_asks_before_it_starts(scripted: Scripted) -> None:
    run, orders = scripted()
    done = CliRunner().invoke(app, ON_DEV)
    assert done.exit_code == 2
    assert "Add --yes" in done.stderr
    assert (run.done, len(orders)) == ([], 1)


def test_an_interrupted_one_is_stopped_at_a_checkpoint(scripted: Scripted) -> None:
    run, orders = scripted(BatchProgress(BatchState.WAITING), KeyboardInterrupt())
    done = CliRunner().invoke(app, [*ON_DEV, "--yes"])
    assert done.exit_code == 2
    assert "Go on: `slipway batch gs://rows/in/ gs://rows/out --on dev`" in done.stderr
    assert run.done == ["start", "stop"]
    assert orders[0].environment["BATCH_INPUT"] == "gs://rows/in/"


def test_a_container_that_refuses_or_fails_ends_the_command_with_its_reason(scripted: Scripted) -> None:
    scripted(BatchProgress(BatchState.FAILED, detail="The input has no column 'text'.", exit_codes=(2,)))
    done = CliRunner().invoke(app, [*ON_DEV, "--yes"])
    assert (done.exit_code, "no column 'text'" in done.stderr) == (2, True)
    scripted(BatchProgress(BatchState.FAILED, detail="The bucket was away.", exit_codes=(1,)))
    done = CliRunner().invoke(app, [*ON_DEV, "--yes"])
    assert (done.exit_code, "Go on: `slipway batch" in done.stderr) == (1, True)


def test_lines_of_shards_add_up_once_all_have_spoken() -> None:
    def line(shard: int, done: int, state: str = "running") -> str:
        return (
            f'{{"message":"Batch","shard":{shard},"batch_rows":50,"batch_rows_done":{done},"batch_rows_failed":1,'
            f'"batch_rows_per_second":5.0,"batch_seconds_left":{50 - done},"batch_state":"{state}"}}'
        )

    lines = ShardLines()
    lines.read(["no JSON", '"text"', line(0, 10), line(0, 30)])
    assert lines.progress(BatchState.RUNNING, 2).rows is None
    lines.read([line(1, 50, "complete")])
    found = lines.progress(BatchState.RUNNING, 2, 1)
    assert (found.rows, found.rows_done, found.rows_failed) == (100, 80, 2)
    assert (found.rows_per_second, found.seconds_left) == (5.0, 20)
