"""A batch on ECS: its tasks are started, followed, started again and stopped, on a strict stand-in."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.targets.batch_run import BatchOrder, BatchState
from slipway.infra.targets.cloud_cli import Command
from slipway.infra.targets.fargate import TARGET
from slipway.infra.targets.fargate_batch import FargateBatch
from slipway.infra.targets.fargate_cli import FargatePlace
from tests.infra.targets.fake_ecs_tasks import EcsTasks, FakeClock

PLACE = FargatePlace("slipway-prod", "slipway-prod", "eu-west-1", jobs=True)
ORDER = BatchOrder(
    "texts-1a2b3c",
    {"BATCH_INPUT": "s3://acme-input/texts.csv", "BATCH_OUTPUT": "s3://acme-results/texts/", "ROLE": "batch"},
    shards=2,
)
LINE: dict[str, Any] = {
    "batch_rows": 100,
    "batch_rows_done": 40,
    "batch_rows_failed": 1,
    "batch_rows_per_second": 4.0,
    "batch_seconds_left": 15,
    "batch_state": "running",
}


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> EcsTasks:
    found = EcsTasks(FakeClock())

    def called(_: Command, arguments: list[str], *rest: Any) -> subprocess.CompletedProcess[str]:
        return found(arguments, *rest)

    monkeypatch.setattr(Command, "__call__", called)
    return found


def batch(ecs: EcsTasks, order: BatchOrder = ORDER, said: list[str] | None = None) -> FargateBatch:
    return FargateBatch(PLACE, order, (said if said is not None else []).append, ecs.clock)  # pyright: ignore[reportArgumentType]


def test_each_shard_gets_a_task_with_the_workers_image_role_and_its_number(ecs: EcsTasks) -> None:
    batch(ecs).start()
    [(_, definition)] = ecs.definitions.items()
    assert definition["family"] == "slipway-prod-batch"
    assert definition["taskRoleArn"].endswith(":role/slipway-prod-worker")
    [server] = definition["containerDefinitions"]
    assert server["environment"] == [
        {"name": "BATCH_INPUT", "value": "s3://acme-input/texts.csv"},
        {"name": "BATCH_OUTPUT", "value": "s3://acme-results/texts/"},
        {"name": "EXPECTED_MODEL", "value": "sms-spam-1.0.0"},
        {"name": "ROLE", "value": "batch"},
    ]
    assert [secret["name"] for secret in server["secrets"]] == ["HF_TOKEN"]
    assert not server.keys() & {"healthCheck", "portMappings"}
    options = server["logConfiguration"]["options"]
    assert options["awslogs-stream-prefix"] == "slipway-prod-batch-texts-1a2b3c"
    overrides = [task["overrides"]["containerOverrides"][0]["environment"] for task in ecs.tasks.values()]
    assert [[each["value"] for each in values] for values in overrides] == [["0", "2"], ["1", "2"]]
    assert {task["capacityProviderName"] for task in ecs.tasks.values()} == {"FARGATE"}


def test_spot_is_where_it_is_asked_for(ecs: EcsTasks) -> None:
    batch(ecs, replace(ORDER, spot=True)).start()
    assert {task["capacityProviderName"] for task in ecs.tasks.values()} == {"FARGATE_SPOT"}


def test_a_second_call_finds_the_tasks_that_run(ecs: EcsTasks) -> None:
    batch(ecs).start()
    batch(ecs).start()
    assert len(ecs.tasks) == 2
    ecs.end(1, 0)
    batch(ecs).start()
    assert len(ecs.tasks) == 2


def test_another_batch_has_tasks_of_its_own(ecs: EcsTasks) -> None:
    batch(ecs).start()
    batch(ecs, replace(ORDER, name="other")).start()
    assert len(ecs.tasks) == 4
    assert batch(ecs).progress().instances == 2


def test_progress_is_the_sum_of_what_the_shards_write(ecs: EcsTasks) -> None:
    run = batch(ecs)
    run.start()
    assert run.progress().state is BatchState.RUNNING
    ecs.write(0, **LINE)
    ecs.clock.seconds += 10
    assert run.progress().rows is None
    ecs.write(1, **{**LINE, "batch_rows": 50, "batch_rows_done": 10})
    found = run.progress()
    assert (found.rows, found.rows_done, found.rows_failed) == (150, 50, 2)
    assert (found.rows_per_second, found.seconds_left, found.instances) == (8.0, 15, 2)
    assert found.instance_seconds == pytest.approx(20.0)


def test_a_batch_is_complete_once_every_shard_is(ecs: EcsTasks) -> None:
    run = batch(ecs)
    run.start()
    ecs.end(0, 0)
    assert run.progress().state is BatchState.RUNNING
    ecs.end(1, 0)
    found = run.progress()
    assert (found.state, found.exit_codes, found.instances) == (BatchState.COMPLETE, (0, 0), 0)
    run.collect()
    assert ecs.definitions == {}


@pytest.mark.parametrize(("exit_code", "stop_code"), [(75, "SpotInterruption"), (None, "SpotInterruption")])
def test_a_task_whose_capacity_was_taken_is_started_again_each_time(
    ecs: EcsTasks, exit_code: int | None, stop_code: str
) -> None:
    said: list[str] = []
    run = batch(ecs, said=said)
    run.start()
    for _ in range(5):
        ecs.end(1, exit_code, stop_code)
        assert run.progress().state is BatchState.RUNNING
    assert (len(ecs.of(0)), len(ecs.of(1)), len(said)) == (1, 6, 5)
    assert "Shard 1 ended" in said[0]
    assert "SpotInterruption" in said[0]


def test_a_task_that_fails_is_started_again_twice(ecs: EcsTasks) -> None:
    run = batch(ecs)
    run.start()
    ecs.end(0, 0)
    for _ in range(4):
        if ecs.of(1)[-1]["lastStatus"] == "RUNNING":
            ecs.end(1, 1)
        run.progress()
    found = run.progress()
    assert len(ecs.of(1)) == 3
    assert (found.state, found.exit_codes) == (BatchState.FAILED, (0, 1))


@pytest.mark.parametrize("exit_code", [2, 3])
def test_what_another_try_does_not_help_is_not_tried_again(ecs: EcsTasks, exit_code: int) -> None:
    run = batch(ecs)
    run.start()
    ecs.end(0, 0)
    ecs.end(1, exit_code)
    found = run.progress()
    assert (found.state, found.exit_codes, len(ecs.of(1))) == (BatchState.FAILED, (0, exit_code), 1)


def test_a_batch_that_is_stopped_ends_at_a_checkpoint_and_goes_on_when_it_is_started(ecs: EcsTasks) -> None:
    run = batch(ecs)
    run.start()

    def end_both() -> None:
        for shard in (0, 1):
            ecs.end(shard, 75, "UserInitiated")

    ecs.clock.then = end_both
    run.stop()
    assert run.progress().state is BatchState.STOPPED
    stops = [call for call in ecs.calls if call[1] == "stop-task"]
    assert len(stops) == 2
    batch(ecs).start()
    assert (len(ecs.of(0)), len(ecs.of(1))) == (2, 2)


def test_a_task_that_does_not_stop_is_reported(ecs: EcsTasks) -> None:
    run = batch(ecs)
    run.start()
    with pytest.raises(Failed, match="2 tasks of the batch still run; `aws logs tail /ecs/slipway-prod "):
        run.stop()


def test_a_shard_that_ended_long_ago_is_known_by_its_log(ecs: EcsTasks) -> None:
    batch(ecs).start()
    ecs.write(0, **{**LINE, "batch_rows_done": 100, "batch_state": "complete"})
    ecs.end(0, 0)
    ecs.forget()
    run = batch(ecs)
    assert run.progress().state is BatchState.RUNNING
    assert len(ecs.of(0)) == 0
    ecs.end(1, 0)
    assert run.progress().state is BatchState.COMPLETE


def test_a_lack_of_capacity_is_said_and_waited_for(ecs: EcsTasks) -> None:
    run = batch(ecs)
    ecs.lacking = "Capacity is unavailable at this time."
    with pytest.raises(Failed, match=r"ECS starts no task of the batch: .*Capacity is unavailable"):
        run.start()
    ecs.lacking = ""
    run.start()
    ecs.end(0, None, "SpotInterruption")
    ecs.end(1, None, "SpotInterruption")
    ecs.lacking = "Capacity is unavailable at this time."
    found = run.progress()
    assert (found.state, "Capacity is unavailable" in found.detail) == (BatchState.WAITING, True)
    ecs.lacking = ""
    assert run.progress().state is BatchState.RUNNING


def test_a_stack_that_is_not_up_runs_no_batch(ecs: EcsTasks) -> None:
    ecs.is_up = False
    with pytest.raises(Refused, match=r"eu-west-1 has no service slipway-prod.*`slipway up`"):
        batch(ecs).start()


STACK = {"target": "fargate", "region": "eu-west-1", "jobs": "true", "jobFiles": '["s3://acme-input/"]'}


@pytest.mark.parametrize(
    ("settings", "environment", "said"),
    [
        ({}, {}, r"may not write s3://acme-results/texts/: `jobResults` is not set"),
        ({"jobResults": "s3://other/"}, {}, r"`jobResults` is s3://other/"),
        (
            {"jobFiles": '["s3://b/"]', "jobResults": "s3://acme-results/"},
            {},
            r"may not read s3://acme-input/",
        ),
        ({"jobs": None, "jobFiles": None}, {}, r"set `jobs: true`, with the input below `jobFiles`"),
        ({}, {"BATCH_INPUT": "texts.csv"}, r"The input of a batch on ECS is a prefix or a file of S3"),
        ({}, {"BATCH_OUTPUT": "gs://acme/"}, r"The output of a batch on ECS is a prefix or a file of S3"),
    ],
)
def test_a_batch_that_its_tasks_may_not_read_or_write_is_refused(
    settings: dict[str, str | None], environment: dict[str, str], said: str
) -> None:
    order = replace(ORDER, environment={**ORDER.environment, **environment})
    with pytest.raises(Refused, match=said):
        TARGET.batch(config(settings), order, lambda _: None)


@pytest.mark.parametrize(
    "settings",
    [
        {"jobResults": "s3://acme-results/"},
        {"jobs": None, "jobFiles": None, "taskRole": "arn:aws:iam::123456789012:role/models"},
    ],
)
def test_a_batch_below_the_named_prefixes_or_with_a_role_is_taken(settings: dict[str, str | None]) -> None:
    assert TARGET.batch(config(settings), ORDER, lambda _: None).where == "ECS tasks"


def config(settings: dict[str, str | None]) -> StackConfig:
    values = {f"slipway:{key}": value for key, value in {**STACK, **settings}.items() if value is not None}
    return StackConfig("slipway", "prod", values, frozenset(), {})


def test_the_command_that_shows_the_log_is_one_to_paste(ecs: EcsTasks) -> None:
    assert batch(ecs).log_command() == (
        "aws logs tail /ecs/slipway-prod --log-stream-name-prefix slipway-prod-batch-texts-1a2b3c --follow "
        "--region eu-west-1"
    )
    assert json.dumps(ecs.calls) == "[]"
