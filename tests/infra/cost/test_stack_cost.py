import pytest

from slipway.infra.cost.assume import usage_of
from slipway.infra.cost.difference import difference_of
from slipway.infra.cost.money import Money
from slipway.infra.cost.report import cost_json, cost_rows, difference_lines
from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.settings.reading import settings_of
from tests.infra.plain import (
    TODAY,
    cloud_run,
    cluster,
    cost,
    fargate,
    node_pool,
    only,
    plan,
    resource,
)

DEV = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1"}
PROD_AWS = {"target": "fargate", "region": "us-east-1", "minInstances": "2", "maxInstances": "10"}
THROUGHPUT = Usage(request_seconds=0.01)


@pytest.mark.parametrize("settings", [DEV, PROD_AWS, {"target": "local"}])
def test_every_resource_of_a_stack_is_priced_or_free_with_a_reason(settings: dict[str, str]) -> None:
    found = cost(*plan(settings).resources)
    assert found.resources
    assert [one.type for one in found.resources if one.kind == "unknown"] == []
    assert all(one.note for one in found.resources if one.kind == "free")


def test_components_and_the_stack_itself_are_not_counted() -> None:
    found = cost(*plan(DEV).resources)
    assert not any(one.type.startswith(("slipway:", "pulumi:pulumi:")) for one in found.resources)


def test_an_unknown_type_is_shown_and_makes_the_sum_unknown() -> None:
    found = cost(resource("gcp:bigtable/instance:Instance", {}, "odd"))
    assert [(one.kind, str(one.idle)) for one in found.resources] == [("unknown", "unknown")]
    assert str(found.maximum) == "unknown"
    assert any("gcp:bigtable/instance:Instance" in what for what in found.maximum.unknown)


def test_an_unknown_part_beside_known_ones_is_said_to_be_missing() -> None:
    found = cost(cloud_run(least=1), resource("gcp:bigtable/instance:Instance", {}, "odd"))
    assert str(found.idle) == "at least $39.42"


def test_a_stack_costs_what_its_resources_cost() -> None:
    found = cost(*plan(PROD_AWS).resources, usage=THROUGHPUT)
    assert found.maximum.usd == pytest.approx(sum(one.maximum.usd for one in found.resources))
    assert found.idle.usd < found.expected.usd < found.maximum.usd


def test_the_offline_plan_of_a_fargate_stack_has_tasks_addresses_and_a_load_balancer() -> None:
    """2 to 10 of 1 vCPU and 2 GB at 36.04 with an address each; 16.43 and two addresses; a secret."""
    found = cost(*plan({**PROD_AWS, "memory": "2Gi"}).resources)
    task = 730 * (0.04048 + 2 * 0.004445 + 0.005)
    alarms = 0.10 * (3 + 2 + 4)  # metrics that they read
    fixed = 730 * (0.0225 + 2 * 0.005) + 0.40 + alarms
    assert found.idle.usd == pytest.approx(2 * task + fixed)
    assert found.maximum.usd == pytest.approx(10 * task + fixed)


def test_a_stack_of_cloud_run_that_scales_to_zero_costs_its_secret_while_nobody_calls() -> None:
    found = cost(*plan({**DEV, "observability": "off"}).resources)
    assert found.idle.usd == pytest.approx(0.06)


def test_without_the_models_throughput_what_use_costs_is_unknown() -> None:
    found = cost(cloud_run(), usage=Usage())
    assert any("throughput is not known" in what for what in found.expected.unknown)
    assert found.per_million is None
    assert not found.maximum.unknown


def test_the_throughput_of_a_bundled_model_is_the_measured_one() -> None:
    usage = usage_of(settings_of("dev", {**DEV, "model": "bundled:sms-spam"}))
    assert usage.measured
    assert usage.request_seconds == pytest.approx(1 / 1686.3)


def test_a_given_time_goes_before_the_measured_one_and_is_said_to_be_given() -> None:
    usage = usage_of(settings_of("dev", {**DEV, "usage": '{"requestSeconds": 0.5, "hours": 8}'}))
    assert (usage.request_seconds, usage.hours, usage.measured) == (0.5, 8, False)
    assert "(as given)" in " ".join(cost(usage=usage).assumptions)


def test_a_gpus_throughput_is_not_taken_from_a_measurement_on_a_cpu() -> None:
    gpu = {**DEV, "region": "europe-west4", "gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi"}
    assert usage_of(settings_of("dev", gpu)).request_seconds is None


def test_more_requests_than_the_instances_can_answer_are_told() -> None:
    found = cost(cloud_run("1", "1Gi", most=1), usage=Usage(requests=1e9, request_seconds=0.01))
    assert any("need 6 instances; maxInstances is 1" in note for note in found.notes)


def test_a_schedule_raises_the_maximum() -> None:
    action = {"scalableTargetAction": {"minCapacity": 4, "maxCapacity": 20}}
    scheduled = resource("aws:appautoscaling/scheduledAction:ScheduledAction", action, "action")
    found = cost(*fargate(most=2), scheduled)
    assert found.maximum.usd == pytest.approx(20 * 730 * (0.04048 + 2 * 0.004445))


@pytest.mark.parametrize(("location", "nodes"), [("us-central1-a", 1), ("us-central1", 3)])
def test_a_count_for_each_zone_is_multiplied_by_the_zones(location: str, nodes: int) -> None:
    inputs = {"location": location, "nodeCount": 1, "nodeConfig": {"machineType": "e2-standard-4"}}
    pool = only(resource("gcp:container/nodePool:NodePool", inputs))
    machine = next(line for line in pool.lines if line.key == "compute/e2-standard-4")
    assert machine.charge.idle == nodes * 730


def test_a_gpu_pool_that_may_be_empty_costs_nothing_while_nobody_calls() -> None:
    found = cost(cluster(), node_pool(least=0, most=2))
    assert found.idle.usd == pytest.approx(73.00)
    assert found.maximum.usd == pytest.approx(73.00 + 2 * (515.99 + 10), abs=0.01)


def test_a_node_is_as_fast_as_the_pods_that_fit_on_it() -> None:
    """Three of one vCPU in 3.52: a request of 10 ms, a million of them take a node 10,000 / 3 seconds."""
    containers = [{"resources": {"requests": {"cpu": "1"}}}]
    pods = {"spec": {"template": {"spec": {"containers": containers}}}}
    pool = node_pool("e2-standard-4", most=9, gpu="")
    found = cost(pool, resource("kubernetes:apps/v1:Deployment", pods), usage=THROUGHPUT)
    assert found.per_million is not None
    hours = 1e6 * 0.01 / 3 / 3600
    assert found.per_million.usd == pytest.approx(hours * (0.13402 + 100 * 0.10 / 730))


def test_an_autopilot_cluster_says_that_its_pods_are_not_counted() -> None:
    inputs = {"location": "us-central1", "enableAutopilot": True}
    assert "pods" in " ".join(only(resource("gcp:container/cluster:Cluster", inputs)).expected.unknown)


def test_pods_are_free_because_their_nodes_are_billed() -> None:
    pods = resource("kubernetes:apps/v1:Deployment", {"spec": {}})
    found = cost(cluster(), node_pool(), pods).resources[-1]
    assert (found.kind, found.note) == ("free", "runs on the cluster's nodes, which are billed")


def test_the_difference_of_two_plans_names_what_became_dearer() -> None:
    small, large = cost(cloud_run("1", "2Gi", least=1)), cost(cloud_run("2", "4Gi", least=1))
    difference = difference_of(small, large)
    assert difference.idle.text == "+$19.71"
    assert [one.name for one in difference.resources] == ["one"]
    assert difference_lines(difference)[0].startswith("Cost of dev a month: idle $19.71 to $39.42 (+$19.71)")


def test_two_equal_plans_have_no_difference() -> None:
    difference = difference_of(cost(cloud_run(least=1)), cost(cloud_run(least=1)))
    assert (difference.maximum.text, difference.resources) == ("no change", ())


def test_a_stack_that_is_planned_no_more_costs_what_it_did_until_it_is_destroyed() -> None:
    difference = difference_of(cost(cloud_run(least=1)), None)
    assert difference.stays
    assert (difference.idle.text, str(difference.idle.after)) == ("no change", "$39.42")


def test_a_difference_with_an_unknown_part_is_not_said_to_be_nothing() -> None:
    difference = difference_of(cost(), cost(resource("gcp:bigtable/instance:Instance", {}, "odd")))
    assert difference.maximum.text == "unknown"
    assert [one.name for one in difference.resources] == ["odd"]


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(), "$0.00"),
        (Money(1234.567), "$1,234.57"),
        (Money(0.0012), "$0.0012"),
        (Money(0, ("a",)), "unknown"),
        (Money(2, ("a",)), "at least $2.00"),
    ],
)
def test_an_amount_is_written_so_that_nothing_is_taken_for_zero(money: Money, text: str) -> None:
    assert str(money) == text


def test_the_report_for_programs_traces_every_price() -> None:
    report = cost_json(cost(*plan({**DEV, "observability": "off"}).resources, usage=THROUGHPUT))
    assert {"key", "usd", "unit", "date", "confirmed", "source"} <= report["prices"][0].keys()
    assert report["idle"]["usd"] == pytest.approx(0.06 + 0.10)  # a secret, and 1 GB of images


def test_the_rows_end_in_the_sum_and_fold_what_is_free() -> None:
    rows = cost_rows(cost(*plan(DEV).resources, usage=THROUGHPUT))
    assert rows[0][0] == "resource"
    assert rows[-2][-1] == "no charge"
    assert rows[-1][0] == "a month"
    assert "per additional million requests" in rows[-1][-1]


def test_the_age_of_prices_is_judged_by_the_day_that_is_handed_in() -> None:
    service = cloud_run(least=1, always=True)
    fresh = cost_of("dev", [service], Usage(requests=0, egress_gb=0), TODAY)
    later = cost_of("dev", [service], Usage(requests=0, egress_gb=0), TODAY.replace(year=2027))
    assert (fresh.notes, len(later.notes)) == ((), 1)


@pytest.mark.parametrize("rollout", ["canary", "blue-green"])
def test_what_both_versions_of_a_rollout_need_is_noted(rollout: str) -> None:
    size = {**PROD_AWS, "cpu": "2", "memory": "4Gi"}
    notes = "\n".join(cost(*plan({**size, "rollout": rollout, "bakeMinutes": "30"}).resources).notes)
    assert "each rollout runs up to 10 more tasks for 30 minutes and their start" in notes
    assert "at least 10 vCPU hours and 20 GiB hours; it needs 40 vCPU of the account's quota" in notes
    assert "each rollout" not in f"{cost(*plan(size).resources).notes}"


def test_what_an_hour_of_a_rollout_on_cloud_run_adds_is_a_sum_of_its_instances() -> None:
    size = {**DEV, "cpu": "2", "memory": "4Gi", "minInstances": "1", "maxInstances": "4"}
    notes = cost(*plan({**size, "rollout": "canary"}).resources).notes
    # 4 times 3600 s of 2 vCPU and 4 GiB, at the prices of requests: 0.000024 and 0.0000025 USD.
    assert "up to 8 instances; it adds up to $0.84 an hour" in f"{notes}"
    assert pytest.approx(0.8352) == 4 * 3600 * (2 * 0.000024 + 4 * 0.0000025)
    assert "rollout" not in f"{cost(*plan(size).resources).notes}"
