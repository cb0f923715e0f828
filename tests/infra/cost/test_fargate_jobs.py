"""What jobs add to the bill of a Fargate stack, against sums computed by hand."""

import pytest

from slipway.infra.cost.usage import Usage
from tests.infra.plain import cost, plan, resource
from tests.stacks.targets import GIVEN

STACK = {**GIVEN["fargate"], "region": "us-east-1", "cpu": "1", "memory": "2Gi", "observability": "off"}
JOBS = {"jobs": "true", "minWorkers": "1", "maxWorkers": "4"}
QUIET = Usage(requests=0, egress_gb=0, image_gb=0, log_gb=0)
# 730 x (0.04048 + 2 x 0.004445), and an address: 730 x 0.005
TASK = 36.0401 + 3.65
# 730 x 0.016, and 20 GB at 0.115; grown to 100 GB
DATABASE, GROWN = 11.68 + 2.30, 11.68 + 11.50
# Four metrics of the log at 0.30; two alarms that read three metrics each at 0.10; the password's secret.
COUNTS, ALARMS, SECRET = 1.20, 0.60, 0.40


def added(settings: dict[str, str]) -> tuple[float, float, float]:
    """Return by how much the idle, expected and maximum costs grow with jobs."""
    without = cost(*plan(STACK).resources, usage=QUIET)
    found = cost(*plan({**STACK, **JOBS, **settings}).resources, usage=QUIET)
    figures = ("idle", "expected", "maximum")
    idle, expected, most = (getattr(found, name).usd - getattr(without, name).usd for name in figures)
    return idle, expected, most


def test_a_worker_a_database_and_their_numbers_are_added() -> None:
    idle, expected, most = added({})
    fixed = COUNTS + ALARMS + SECRET
    assert idle == pytest.approx(fixed + DATABASE + TASK)
    assert expected == pytest.approx(idle)
    assert most == pytest.approx(fixed + GROWN + 4 * TASK)


def test_workers_that_go_down_to_none_cost_nothing_while_nothing_is_to_do() -> None:
    idle, _, _ = added({"minWorkers": "0"})
    assert idle == pytest.approx(COUNTS + ALARMS + SECRET + DATABASE)


def test_larger_workers_on_spot_cost_a_share_of_their_size() -> None:
    """4 vCPU and 8 GB at 30 %; the address at its whole price."""
    idle, _, most = added({"workerCpu": "4", "workerMemory": "8Gi", "workerSpot": "true"})
    worker = 0.30 * 730 * (4 * 0.04048 + 8 * 0.004445) + 3.65
    fixed = COUNTS + ALARMS + SECRET
    assert idle == pytest.approx(fixed + DATABASE + worker)
    assert most == pytest.approx(fixed + GROWN + 4 * worker)


def test_a_fixed_number_of_workers_has_no_alarms() -> None:
    idle, _, most = added({"minWorkers": "2", "maxWorkers": "2"})
    assert idle == pytest.approx(COUNTS + SECRET + DATABASE + 2 * TASK)
    assert most == pytest.approx(COUNTS + SECRET + GROWN + 2 * TASK)


def test_the_schedules_of_a_service_do_not_move_its_workers() -> None:
    schedule = {"schedule": '{"day": "cron(0 8 * * ? *) 4-20", "night": "cron(0 20 * * ? *) 1-2"}'}
    scheduled = cost(*plan({**STACK, **schedule}).resources, usage=QUIET)
    with_jobs = cost(*plan({**STACK, **schedule, **JOBS}).resources, usage=QUIET)
    more = with_jobs.maximum.usd - scheduled.maximum.usd
    assert more == pytest.approx(COUNTS + ALARMS + SECRET + GROWN + 4 * TASK)


def test_a_database_with_a_standby_has_no_price_here() -> None:
    made = {"region": "us-east-1", "engine": "postgres", "instanceClass": "db.t4g.micro", "multiAz": True}
    [found] = cost(resource("aws:rds/instance:Instance", made)).resources
    assert found.kind == "unknown"
