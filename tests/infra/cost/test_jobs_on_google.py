"""What jobs cost on Cloud Run: the workers, the database and the metrics of the log, summed by hand."""

from typing import Any

import pytest

from slipway.infra.resources.google import LOG_METRIC, SQL_INSTANCE, WORKER_POOL
from tests.infra.plain import cost, only, plan, resource

SECONDS = 730 * 3600


def pool(
    cpu: str = "1", memory: str = "2Gi", count: int = 1, gpu: str = "", region: str = "us-central1"
) -> Any:
    template: dict[str, Any] = {"containers": [{"resources": {"limits": {"cpu": cpu, "memory": memory}}}]}
    if gpu:
        template |= {"nodeSelector": {"accelerator": gpu}, "gpuZonalRedundancyDisabled": True}
    scaling = {"manualInstanceCount": count}
    return resource(WORKER_POOL, {"location": region, "scaling": scaling, "template": template})


def database(tier: str = "db-g1-small", **settings: Any) -> Any:
    return resource(SQL_INSTANCE, {"region": "us-central1", "settings": {"tier": tier, **settings}})


def test_a_worker_is_billed_all_the_time_whether_it_works_or_waits() -> None:
    found = only(pool())
    by_hand = SECONDS * (0.000011244 + 2 * 0.000001235)
    assert found.idle.usd == pytest.approx(by_hand)
    assert found.idle.usd == pytest.approx(36.04, abs=0.005)
    assert found.maximum.usd == found.expected.usd == found.idle.usd


def test_three_workers_of_four_vcpu_cost_as_much_as_their_parts() -> None:
    assert only(pool("4", "16Gi", 3)).idle.usd == pytest.approx(
        3 * SECONDS * (4 * 0.000011244 + 16 * 0.000001235)
    )


def test_a_workers_gpu_is_billed_as_a_services() -> None:
    more = only(pool("4", "16Gi", gpu="nvidia-l4")).idle.usd - only(pool("4", "16Gi")).idle.usd
    assert more == pytest.approx(SECONDS * 0.0001867)


def test_no_worker_costs_nothing() -> None:
    assert only(pool(count=0)).maximum.usd == 0


def test_the_database_costs_its_machine_and_ten_gigabytes_of_disk() -> None:
    found = only(database())
    assert found.idle.usd == pytest.approx(730 * 0.035 + 10 * 0.17)
    assert found.idle.usd == pytest.approx(27.25, abs=0.005)


def test_a_database_with_a_standby_or_of_an_unknown_tier_is_not_priced_as_another() -> None:
    assert only(database(availabilityType="REGIONAL")).kind == "unknown"
    assert only(database("db-custom-64-245760")).idle.unknown


def test_a_metric_of_the_log_costs_eighty_bytes_a_minute() -> None:
    found = only(resource(LOG_METRIC, {"name": "api-jobs-waiting"}))
    assert found.idle.usd == pytest.approx(730 * 60 * 80 / 1024**2 * 0.258)


def test_a_stack_with_jobs_costs_its_parts_more() -> None:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1"}
    with_jobs, without = (
        cost(*plan({**settings, **more}).resources).idle.usd for more in ({"jobs": "true"}, {})
    )
    # Three more alarms, with a condition each, and one more secret version.
    parts = 36.04 + 27.25 + 4 * 0.862 + 0.06
    assert with_jobs - without == pytest.approx(parts, abs=1.0)
