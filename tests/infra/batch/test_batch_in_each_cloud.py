"""`slipway batch --on STACK` from the command to the cloud and back, against what stands in for each."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from slipway.components.cloud_run import CloudRunService
from slipway.infra.cli import batch as command
from slipway.infra.cli.app import app
from slipway.infra.targets import cloud_run_batch
from slipway.infra.targets.cloud_cli import Command
from tests.conftest import write_stack
from tests.contract.cloud import emitted_by
from tests.contract.cloud_run_api import Judge, api_form
from tests.contract.cloud_run_cases import PLAIN
from tests.infra.targets.fake_ecs_tasks import EcsTasks, FakeClock
from tests.infra.targets.fake_kubectl_jobs import KubectlJobs
from tests.infra.targets.fake_run import Time
from tests.infra.targets.fake_run_jobs import FakeJobs

Steps = Callable[..., None]
LINE: dict[str, Any] = {
    "batch_state": "running",
    "batch_rows": 500,
    "batch_rows_done": 200,
    "batch_rows_failed": 0,
    "batch_rows_per_second": 25.0,
    "batch_seconds_left": 12,
}
DONE = {**LINE, "batch_state": "complete", "batch_rows_done": 500, "batch_seconds_left": 0}
IMAGE = f"registry.example.com/server@sha256:{'0' * 64}"
GKE = {"target": "gke", "project": "acme-prod", "region": "europe-west4", "name": "api"}
KUBERNETES = {"target": "kubernetes", "image": IMAGE, "name": "api"}
RUN = {
    "target": "cloud-run",
    "project": "acme-prod",
    "region": "europe-west4",
    "name": "api",
    "cpu": "0.5",
    "memory": "1Gi",
}
FARGATE = {
    "target": "fargate",
    "region": "eu-west-1",
    "name": "slipway-prod",
    "jobs": "true",
    "workerCpu": "2",
    "workerMemory": "4Gi",
    "jobFiles": '["s3://rows/in/"]',
    "jobResults": "s3://rows/out/",
}


@pytest.fixture
def steps(project: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Return the function that says what happens each time the command waits."""
    monkeypatch.chdir(project)

    def follow(*each: Callable[[], None]) -> None:
        left = iter(each)

        def sleep(_seconds: float) -> None:
            next(left)()

        waits = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
        monkeypatch.setattr(command, "time", waits)

    return follow


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[KubectlJobs]:
    yield from stand_in(KubectlJobs.of({}), monkeypatch)


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcsTasks]:
    yield from stand_in(EcsTasks(FakeClock()), monkeypatch)


def stand_in(found: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Have this called in the place of every program of a cloud."""

    def called(_: Command, arguments: list[str], *rest: Any, **options: Any) -> Any:
        return found(arguments, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Command, "__call__", called)
        yield found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeJobs]:
    emitted = emitted_by(lambda: CloudRunService("api", {**PLAIN}) and None)  # pyright: ignore[reportArgumentType]
    service = api_form(emitted.named("api-service").inputs)
    judge = Judge("tests.contract.run_job_judge")
    jobs = FakeJobs(judge, Time(), service)

    def api(_name: str, _url: str) -> FakeJobs:
        return jobs

    monkeypatch.setattr(cloud_run_batch, "GoogleApi", api)
    monkeypatch.setattr(cloud_run_batch, "_POLL_SECONDS", 0)
    yield jobs
    judge.close()


def batch(project: Path, settings: dict[str, str], *options: str) -> Result:
    write_stack(project, settings, "prod")
    scheme = "s3" if settings["target"] == "fargate" else "gs"
    places = [f"{scheme}://rows/in/", f"{scheme}://rows/out/"]
    arguments = ["batch", *places, "--on", "prod", "--shards", "2", "--yes", *options]
    return CliRunner().invoke(app, arguments)


def test_on_cloud_run_it_is_priced_as_the_job_is_sized(project: Path, run: FakeJobs, steps: Steps) -> None:
    def log(*lines: dict[str, Any]) -> None:
        [execution] = run.executions
        run.lines += [{**line, "execution": execution, "message": "Batch"} for line in lines]

    def work() -> None:
        log({**LINE, "shard": 0}, {**LINE, "shard": 1})

    def end() -> None:
        log({**DONE, "shard": 0}, {**DONE, "shard": 1})
        run.clock.sleep(1800)
        run.end(0, 0)

    steps(run.begin, work, end)
    done = batch(project, RUN)
    assert done.exit_code == 0, done.output
    assert "2 instances of Cloud Run, 1 vCPU and 1 GiB" in done.stderr
    assert "400 of 1,000 rows, 50 a second, 0:12 left" in done.stderr
    assert "1,000 rows, 1,000 results in gs://rows/out/" in done.stdout
    assert "for 3,600 s of Cloud Run, 1 vCPU and 1 GiB." in done.stdout
    assert run.jobs == {}


def test_on_cloud_run_an_older_end_is_not_taken_for_that_of_what_was_begun(
    project: Path, run: FakeJobs, steps: Steps
) -> None:
    def interrupt() -> None:
        run.begin()
        raise KeyboardInterrupt

    def end() -> None:
        run.lines += [
            {**DONE, "execution": list(run.executions)[1], "message": "Batch", "shard": shard}
            for shard in (0, 1)
        ]
        run.begin()
        run.end(0, 0)

    steps(interrupt)
    assert "Stopped; what is computed is kept" in " ".join(batch(project, RUN).stderr.split())
    run.names_executions = False
    steps(end)
    done = batch(project, RUN)
    assert done.exit_code == 0, done.output


def test_on_fargate_it_runs_and_costs_as_the_workers(project: Path, ecs: EcsTasks, steps: Steps) -> None:
    def work() -> None:
        for shard in (0, 1):
            ecs.write(shard, **LINE)

    def end() -> None:
        ecs.clock.seconds += 1800
        for shard in (0, 1):
            ecs.write(shard, **DONE)
            ecs.end(shard, 0)

    steps(work, end)
    done = batch(project, FARGATE, "--spot")
    assert done.exit_code == 0, done.output
    assert "2 instances of Fargate Spot, 2 vCPU and 4 GB" in done.stderr
    assert "400 of 1,000 rows, 50 a second, 0:12 left" in done.stderr
    assert "1,000 rows, 1,000 results in s3://rows/out/" in done.stdout
    assert "for 3,600 s of Fargate Spot, 2 vCPU and 4 GB." in done.stdout
    assert (ecs.definitions, len(ecs.tasks)) == ({}, 2)


@pytest.mark.parametrize(
    ("settings", "price"),
    [
        (GKE, "2 instances of a node e2-standard-4, $0.15 an hour each."),
        (KUBERNETES, "2 instances of a pod on the cluster's nodes"),
    ],
)
def test_on_a_cluster_progress_is_read_from_the_log_of_its_pods(
    project: Path, cluster: KubectlJobs, steps: Steps, settings: dict[str, str], price: str
) -> None:
    def wait() -> None:
        cluster.wait_for("0/3 nodes are available: 3 Insufficient cpu.")

    def work() -> None:
        cluster.begin(0, 1)
        for shard in (0, 1):
            cluster.write(shard, **{**LINE, "batch_rows_done": 100})
            cluster.clock.seconds += 1
            cluster.write(shard, **LINE)

    def end() -> None:
        cluster.clock.seconds += 1798
        for shard in (0, 1):
            cluster.write(shard, **DONE)
            cluster.end(shard, 0)

    steps(wait, work, end)
    done = batch(project, settings)
    assert done.exit_code == 0, done.output
    assert price in done.stderr
    assert "Waiting for an instance: 0/3 nodes are available: 3 Insufficient cpu." in done.stderr
    assert "400 of 1,000 rows, 50 a second, 0:12 left" in done.stderr
    assert "1,000 rows, 1,000 results in gs://rows/out/" in done.stdout
    assert "for 3,600 s of " in done.stdout
    assert (cluster.jobs, cluster.pods) == ({}, [])


def test_on_a_cluster_what_failed_keeps_its_log_and_goes_on_as_a_new_job(
    project: Path, cluster: KubectlJobs, steps: Steps
) -> None:
    def fail() -> None:
        cluster.begin(0, 1)
        cluster.end(0, 0)
        cluster.end(1, 1)

    def end() -> None:
        cluster.begin(0, 1)
        for shard in (0, 1):
            cluster.write(shard, **DONE)
            cluster.end(shard, 0)

    steps(fail)
    failed = batch(project, KUBERNETES)
    words = " ".join(failed.stderr.split())
    assert (failed.exit_code, "Job has failed indexes" in words) == (1, True)
    assert "--max-log-requests 5 --tail -1 --prefix --follow" in words
    assert (len(cluster.jobs), len(cluster.pods)) == (1, 2)
    steps(end)
    done = batch(project, KUBERNETES)
    assert done.exit_code == 0, done.output
    assert "Deleting the Job api-batch-" in done.stderr
    assert cluster.jobs == {}


def test_on_a_cluster_ctrl_c_suspends_the_job_and_the_same_command_goes_on(
    project: Path, cluster: KubectlJobs, steps: Steps
) -> None:
    def interrupt() -> None:
        cluster.begin(0, 1)
        raise KeyboardInterrupt

    steps(interrupt)
    stopped = batch(project, GKE)
    assert stopped.exit_code == 2
    assert "Go on: `slipway batch gs://rows/in/ gs://rows/out/ --on prod --shards 2`" in stopped.stderr
    [job] = cluster.jobs.values()
    assert job["spec"]["suspend"] is True
    steps(lambda: cluster.begin(0, 1), lambda: [cluster.end(shard, 0) for shard in (0, 1)] and None)
    assert batch(project, GKE).exit_code == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (KUBERNETES, "the target kubernetes does not know which nodes"),
        (RUN, "Cloud Run has no Spot capacity"),
    ],
    ids=["kubernetes", "cloud-run"],
)
def test_spot_is_refused_before_it_is_priced_where_there_is_none(
    project: Path, steps: Steps, settings: dict[str, str], words: str
) -> None:
    steps()
    done = batch(project, settings, "--spot")
    assert (done.exit_code, words in " ".join(done.stderr.split())) == (2, True)
    assert "an hour" not in done.stderr


def test_on_gke_it_is_said_that_the_stack_has_no_spot_nodes_and_why_the_pods_wait(
    project: Path, cluster: KubectlJobs, steps: Steps
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    steps(lambda: cluster.wait_for("0/3 nodes match the selector."), lambda: None, interrupt)
    words = " ".join(batch(project, GKE, "--spot").stderr.split())
    assert "--spot: this stack has no nodes on Spot capacity" in words
    assert "Waiting for an instance: 0/3 nodes match the selector." in words
    assert "2 instances of a node e2-standard-4, $0.15 an hour each" in words
