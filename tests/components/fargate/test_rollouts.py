"""How a new version takes over: what is registered for each kind of rollout, and in which order."""

import json
from typing import Any

import pulumi_aws as aws
import pytest

from slipway.components.fargate.rollback import usable_signals
from slipway.components.fargate.spec import FargateSpec
from tests.components.fargate.emitted import emitted, names_of, planned, service, statements
from tests.contract.fargate_cases import PLAIN, SECURE

CANARY: dict[str, Any] = {"rollout": "canary", "canary_percent": 2.5, "bake_minutes": 20}
BLUE_GREEN: dict[str, Any] = {"rollout": "blue-green"}
ADDED = {"api-alternate-targets", "api-production-rule", "api-traffic-role", "api-traffic-policy"}


def test_a_canary_has_its_share_and_its_time_and_no_bake_after_it() -> None:
    assert service(**CANARY)["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": "20"},
        "bakeTimeInMinutes": "0",
    }


def test_blue_green_bakes_with_all_of_the_requests() -> None:
    expected = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "15"}
    assert service(**BLUE_GREEN)["deploymentConfiguration"] == expected


def test_a_service_without_the_setting_is_as_it_was() -> None:
    made = service()
    assert "deploymentConfiguration" not in made
    assert made["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert {r.name for r in planned().resources} & ADDED == set()


def test_rolling_that_is_given_has_tasks_in_both_groups_and_no_rule() -> None:
    made = emitted(rollout="rolling")
    groups = [each["targetGroupArn"] for each in made.named("api-service").inputs["loadBalancers"]]
    assert len(set(groups)) == 2
    assert made.of_type(aws.lb.ListenerRule) == []


@pytest.mark.parametrize(
    ("secure", "listener"), [({}, "api-http-listener"), (SECURE, "api-https-listener")], ids=["http", "https"]
)
def test_the_rule_is_of_the_listener_that_serves(secure: dict[str, Any], listener: str) -> None:
    [rule] = [each for each in planned(**CANARY, **secure).resources if each.name == "api-production-rule"]
    assert names_of(rule.uses["listenerArn"]) == {listener}
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/*"]}}]


def test_ecs_may_move_this_traffic_and_no_other() -> None:
    for statement in statements(emitted(**CANARY), "traffic"):
        changes = [action for action in statement["Action"] if ":Describe" not in action]
        assert not changes or all("*" not in resource for resource in statement["Resource"])
    trust = json.loads(emitted(**CANARY).named("api-traffic-role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}


def test_the_program_leaves_the_weights_to_ecs() -> None:
    [rule] = [each for each in planned(**CANARY).resources if each.name == "api-production-rule"]
    assert rule.ignore_changes == ("actions",)


def test_the_service_waits_for_what_moves_and_what_watches_its_traffic() -> None:
    [made] = [each for each in planned(**CANARY).resources if each.name == "api-service"]
    needed = names_of(made.dependencies)
    assert {"api-traffic-policy", "api-production-rule", "api-availability-page-alarm"} <= needed
    assert "api-latency-page-alarm" in needed


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["api-availability-page", "api-latency-page"]),
        ({"rollback_on": ["latency"]}, ["api-latency-page"]),
        ({"rollback_on": ["alarm:orders", "availability"]}, ["api-availability-page", "orders"]),
        ({"observability": "off", "rollback_on": ["alarm:orders"]}, ["orders"]),
    ],
)
def test_alarms_take_it_back(given: dict[str, Any], names: list[str]) -> None:
    made = service(**CANARY, **given)
    assert made["alarms"] == {"alarmNames": names, "enable": True, "rollback": True}
    assert made["deploymentCircuitBreaker"] == {"enable": False, "rollback": False}


def test_an_alarm_that_sees_one_target_group_takes_nothing_back() -> None:
    spec = FargateSpec.read("api", {**PLAIN, **CANARY, "observability": "full"})
    assert {"availability", "latency"} <= set(usable_signals(spec))
    assert {"ready", "capacity"} & set(usable_signals(spec)) == set()


def test_tasks_are_not_counted_by_the_requests_of_one_of_two_groups() -> None:
    by_requests = {"request_seconds": 0.05}
    policies = emitted(**by_requests).of_type(aws.appautoscaling.Policy)
    moved = emitted(**by_requests, **CANARY).of_type(aws.appautoscaling.Policy)
    assert (len(policies), [each.name for each in moved]) == (2, ["api-cpu-scaling"])
    assert any("by CPU alone" in each.text for each in planned(**by_requests, **CANARY).warnings)
