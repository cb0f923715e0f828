"""Alarms and samples cost what Google bills, and the alarms of the default less than a dollar a month."""

from typing import Any

import pytest

from slipway.components.cloud_run.spec import CloudRunSpec
from slipway.components.kubernetes.spec import KubernetesSpec
from slipway.components.observability.args import Observability
from slipway.infra.cost.monitoring import clauses
from slipway.infra.cost.usage import Usage
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import role_of
from tests.infra.plain import NOBODY, cloud_run, cost, only, plan, resource
from tests.infra.repository import DEV
from tests.stacks.targets import GIVEN

POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
GRANT = resource("gcp:projects/iAMMember:IAMMember", {"role": "roles/monitoring.metricWriter"}, "writer")
# 730 h, a scrape every 30 s, of 260 series, at 0.06 a million.
OF_AN_INSTANCE = 730 * 120 * 260 / 1e6 * 0.06


def policy(query: str, interval: str = "60s") -> dict[str, Any]:
    condition = {"query": query, "evaluationInterval": interval}
    return {"conditions": [{"conditionPrometheusQueryLanguage": condition}]}


@pytest.mark.parametrize(
    ("settings", "spec"),
    [
        (DEV, CloudRunSpec),
        ({**DEV, "public": "true", "minInstances": "1", "maxInstances": "9"}, CloudRunSpec),
        (dict(GIVEN["gke"]), KubernetesSpec),
    ],
    ids=["cloud-run", "cloud-run-public", "gke"],
)
def test_the_alarms_of_the_default_cost_less_than_a_dollar_a_month(
    settings: dict[str, str], spec: type[CloudRunSpec | KubernetesSpec]
) -> None:
    assert spec.read("api", {"google_project": "acme"}).observability is Observability.BASIC
    alarms = [each for each in plan(dict(settings)).resources if role_of(each.type) is Role.ALARM]
    found = cost(*alarms)
    assert len(alarms) >= 5
    assert 0.4 < found.maximum.usd < 1
    assert found.idle == found.maximum
    assert found.maximum.unknown == ()


def test_an_alarm_costs_by_its_condition_and_by_what_each_evaluation_returns() -> None:
    # 0.10, and 43,800 evaluations of two series, at 0.35 a million.
    found = only(resource(POLICY, policy('sum(a{b="c"}) > 1 and sum(d{}) > 2')))
    assert found.idle.usd == found.maximum.usd == pytest.approx(0.10 + 43_800 * 2 * 0.35e-6)


def test_an_alarm_of_the_log_costs_its_condition_alone() -> None:
    found = only(resource(POLICY, {"conditions": [{"conditionMatchedLog": {"filter": "a>b"}}]}))
    assert found.idle.usd == pytest.approx(0.10)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("up{} < 1", 1),
        ('a{b=~"c or d"} > 1', 1),
        ("a{} / b{} > 1", 1),
        ("(a{} > 1 and b{} > 1) or (a{} >= 2 unless b{})", 4),
        ('a{b="x > y and {z}"} > 1', 1),
        ("[unknown]", 1),
    ],
)
def test_clauses_are_counted_between_comparisons_and_set_operators(query: str, count: int) -> None:
    assert clauses(query) == count


def test_samples_are_billed_for_every_instance_that_runs() -> None:
    found = cost(cloud_run(least=2, most=5, always=True), GRANT)
    [samples] = [each for each in found.resources if each.name == "writer"]
    assert samples.idle.usd == pytest.approx(2 * OF_AN_INSTANCE)
    assert samples.maximum.usd == pytest.approx(5 * OF_AN_INSTANCE)


def test_a_service_that_scales_to_zero_sends_samples_while_it_is_used() -> None:
    usage = Usage(1000, 0.01, hours=12, egress_gb=0, image_gb=0, log_gb=0)
    found = cost(cloud_run(), GRANT, usage=usage)
    [samples] = [each for each in found.resources if each.name == "writer"]
    assert (samples.idle.usd, samples.expected.usd) == (0, pytest.approx(OF_AN_INSTANCE / 2))


def test_pods_that_managed_prometheus_reads_are_billed() -> None:
    reading = resource("kubernetes:monitoring.googleapis.com/v1:PodMonitoring", {"spec": {}}, "scrape")
    pods = resource("kubernetes:apps/v1:Deployment", {"spec": {"replicas": 3}}, "pods")
    [samples] = [each for each in cost(reading, pods).resources if each.name == "scrape"]
    assert samples.idle.usd == pytest.approx(3 * OF_AN_INSTANCE)
    assert cost(reading).idle.unknown != ()


def test_a_container_next_to_the_server_is_billed_and_answers_no_request() -> None:
    def service(*beside: dict[str, Any]) -> Any:
        found = cloud_run("2", "4Gi", 1, 9, always=True)
        found.inputs["template"]["containers"].extend(beside)
        return found

    collector = {"resources": {"limits": {"cpu": "500m", "memory": "512Mi"}}}
    # 2,628,000 s x (2.5 x 18 + 4.5 x 2) millionths
    assert only(service(collector), usage=NOBODY).idle.usd == pytest.approx(141.912)
    busy = Usage(2_628_000 * 200, 0.01, egress_gb=0, image_gb=0, log_gb=0)
    alone, both = only(service(), usage=busy), only(service(collector), usage=busy)
    assert both.expected.usd / alone.expected.usd == pytest.approx(54 / 44)


def test_full_costs_samples_and_the_collector() -> None:
    args = {**DEV, "minInstances": "1", "cpuAlways": "true"}
    basic = cost(*plan(args).resources)
    full = cost(*plan({**args, "observability": "full"}).resources)
    collector = 2_628_000 * (0.5 * 18 + 0.5 * 2) / 1e6
    alarms = 1.5
    secret = 0.06
    apart = full.idle.usd - basic.idle.usd - collector - OF_AN_INSTANCE - secret
    assert 0 < apart < alarms
    assert full.idle.unknown == ()
