"""A batch as a Cloud Run job, against jobs in memory whose bodies Google's own messages judge."""

from collections.abc import Iterator
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunService
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.batch_run import BatchOrder, BatchState
from slipway.infra.targets.cloud_run_batch import CloudRunBatch
from slipway.infra.targets.cloud_run_job import job_body
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from tests.contract.cloud import emitted_by
from tests.contract.cloud_run_api import Judge, api_form
from tests.contract.cloud_run_cases import FRACTION, GPU, IMAGE, PLAIN
from tests.infra.targets.fake_run import Time
from tests.infra.targets.fake_run_jobs import FakeJobs

PLACE = CloudRunPlace("api", "acme-prod", "europe-west4")
NAME = "api-batch-0a1b2c3d4e"
ORDER = BatchOrder(
    "batch-0a1b2c3d4e",
    {"ROLE": "batch", "BATCH_INPUT": "gs://acme/in/", "BATCH_OUTPUT": "gs://acme/out/"},
    shards=3,
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge("tests.contract.run_job_judge")
    yield judge
    judge.close()


def live(**args: Any) -> dict[str, Any]:
    """Return the service that the component makes, as the API returns it."""
    emitted = emitted_by(lambda: CloudRunService("api", {**PLAIN, **args}) and None)  # pyright: ignore[reportArgumentType]
    return api_form(emitted.named("api-service").inputs)


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return live(secret_values={"HF_TOKEN": "hush"}, env={"LOG_LEVEL": "debug"})


@pytest.fixture
def cloud(judge: Judge, service: dict[str, Any]) -> FakeJobs:
    return FakeJobs(judge, Time(), service)


def batch(cloud: FakeJobs, order: BatchOrder = ORDER, said: list[str] | None = None) -> CloudRunBatch:
    heard: list[str] = [] if said is None else said
    return CloudRunBatch(PLACE, order, heard.append, cloud, cloud, cloud.clock)


def line(
    shard: int, done: int, rows: int = 100, state: str = "running", execution: int = 1
) -> dict[str, Any]:
    return {
        "execution": f"{NAME}-{execution}",
        "message": "Batch",
        "shard": shard,
        "batch_state": state,
        "batch_rows": rows,
        "batch_rows_done": done,
        "batch_rows_failed": 1,
        "batch_rows_per_second": 5.0,
        "batch_seconds_left": (rows - done) / 5,
    }


def test_a_job_has_a_task_for_each_shard_with_the_services_image_account_and_secrets(cloud: FakeJobs) -> None:
    said: list[str] = []
    batch(cloud, said=said).start()
    assert cloud.calls == [f"create {NAME}", f"run {NAME}"]
    job = cloud.jobs[NAME]["template"]
    task = job["template"]
    [container] = task["containers"]
    env = {each["name"]: each for each in container["env"]}
    assert job["taskCount"] == 3
    assert container["image"] == IMAGE
    assert env["BATCH_INPUT"]["value"] == "gs://acme/in/"
    assert env["ROLE"]["value"] == "batch"
    assert env["LOG_LEVEL"]["value"] == "debug"
    assert env["HF_TOKEN"]["valueSource"]["secretKeyRef"]["secret"] == "api-HF_TOKEN"
    assert not env.keys() & {"MODEL_API_KEY", "REQUEST_TIMEOUT_SECONDS", "HOST"}
    assert "ports" not in container
    assert task["serviceAccount"] in said[0]


@pytest.mark.parametrize(
    "args",
    [
        {},
        FRACTION,
        GPU,
        {"model": "gs://models/spam", "model_volume": True},
        {"jobs": True},
        {"vpc_network": "inner", "labels": {"team": "search"}},
    ],
    ids=str,
)
def test_google_takes_the_job_of_every_kind_of_service(args: dict[str, Any], judge: Judge) -> None:
    verdict = judge({**job_body(PLACE, ORDER, live(**args)), "name": "projects/p/locations/l/jobs/j"})
    assert (verdict.refused, verdict.broken) == (None, [])


def test_a_job_knows_nothing_of_the_database_of_jobs_and_runs_as_the_workers_do() -> None:
    place = CloudRunPlace("api", "acme-prod", "europe-west4", jobs=True)
    task = job_body(place, ORDER, live(jobs=True))["template"]["template"]
    assert task["serviceAccount"] == "api-workers@acme-prod.iam.gserviceaccount.com"
    assert "volumes" not in task
    assert not any(each["name"].startswith("JOBS_") for each in task["containers"][0]["env"])


def test_progress_sums_up_the_last_line_of_each_shard_and_the_time_of_all_tasks(cloud: FakeJobs) -> None:
    run = batch(cloud)
    assert run.progress().state is BatchState.WAITING
    run.start()
    assert run.progress().state is BatchState.WAITING
    cloud.begin()
    cloud.lines = [line(0, 10), line(1, 20), line(0, 40)]
    cloud.clock.sleep(30)
    found = run.progress()
    assert (found.state, found.instances, found.instance_seconds) == (BatchState.RUNNING, 3, 90)
    assert (found.rows, found.rows_done, found.rows_failed) == (None, 60, 2)
    cloud.lines += [line(2, 100, state="complete")]
    found = run.progress()
    assert (found.rows, found.rows_done, found.seconds_left) == (300, 160, 16)


def test_a_batch_that_ended_is_complete_and_its_job_is_deleted(cloud: FakeJobs) -> None:
    run = batch(cloud)
    run.start()
    cloud.begin()
    cloud.clock.sleep(60)
    cloud.end(0, 0, 0)
    found = run.progress()
    assert (found.state, found.exit_codes, found.instance_seconds) == (BatchState.COMPLETE, (0, 0, 0), 180)
    cloud.clock.sleep(600)
    assert run.progress().instance_seconds == 180
    run.collect()
    assert cloud.jobs == {}
    run.collect()  # one that is gone is no error


def test_a_failed_task_is_shown_with_its_exit_code_and_googles_reason(cloud: FakeJobs) -> None:
    run = batch(cloud)
    run.start()
    cloud.begin()
    cloud.end(0, 2, 0)
    found = run.progress()
    assert (found.state, found.exit_codes) == (BatchState.FAILED, (0, 2, 0))
    assert found.detail == "Task 1 failed with exit code 2."


def test_a_batch_that_runs_already_is_found_and_not_started_twice(cloud: FakeJobs) -> None:
    batch(cloud).start()
    cloud.begin()
    said: list[str] = []
    batch(cloud, said=said).start()
    assert cloud.calls == [f"create {NAME}", f"run {NAME}"]
    assert said == [f"{NAME} runs already."]


def test_a_stopped_batch_goes_on_with_what_the_service_runs_now(cloud: FakeJobs) -> None:
    run = batch(cloud)
    run.start()
    cloud.begin()
    run.stop()
    assert run.progress().state is BatchState.STOPPED
    assert cloud.service
    newer = IMAGE.replace("a" * 64, "c" * 64)
    cloud.service = live(image_ref=newer)
    batch(cloud).start()
    assert cloud.calls[-2:] == [f"change {NAME}", f"run {NAME}"]
    assert cloud.jobs[NAME]["template"]["template"]["containers"][0]["image"] == newer
    cloud.lines = [line(0, 99), line(0, 7, execution=2)]
    assert batch(cloud).progress().rows_done == 7


def test_stopping_what_does_not_run_does_nothing(cloud: FakeJobs) -> None:
    run = batch(cloud)
    run.stop()
    run.start()
    cloud.begin()
    cloud.end(0, 0, 0)
    run.stop()
    assert not any(call.startswith("cancel") for call in cloud.calls)


def test_a_service_that_is_not_up_is_refused_before_anything_is_made(cloud: FakeJobs) -> None:
    cloud.service = None
    with pytest.raises(Refused, match="no Cloud Run service api: run `up` first"):
        batch(cloud).start()
    assert cloud.calls == []


def test_what_google_refuses_of_a_job_is_passed_on(cloud: FakeJobs) -> None:
    cloud.refuse_next = "Quota exceeded for jobs."
    with pytest.raises(Failed, match=r"Quota exceeded for jobs\."):
        batch(cloud).start()
    assert cloud.executions == {}


def test_more_tasks_than_cloud_run_has_are_refused_by_google(cloud: FakeJobs) -> None:
    with pytest.raises(Failed, match="up to 10,000 tasks"):
        batch(cloud, BatchOrder(ORDER.name, ORDER.environment, 10_001)).start()


def test_the_log_of_a_batch_is_read_by_a_command_to_paste(cloud: FakeJobs) -> None:
    command = f"gcloud beta run jobs logs read {NAME} --project acme-prod --region europe-west4"
    assert batch(cloud).log_command() == command
