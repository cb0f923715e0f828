"""Two versions of a service next to each other: what the second one has, and what of the first is held."""

import re
from typing import Any

import pytest

from slipway.components.kubernetes.cloud_monitoring import log_lines
from slipway.components.kubernetes.rules import checked_spec
from tests.components.kubernetes.test_component import emitted, of_plan, planned
from tests.contract.cloud import Emitted
from tests.contract.kubernetes_cases import GOOGLE, GPU, KEY, PLAIN
from tests.contract.kubernetes_objects import objects_of, one

CANARY: dict[str, Any] = {"rollout": "canary", "api_key": KEY, "max_replicas": 4}
NAME, INSTANCE = "app.kubernetes.io/name", "app.kubernetes.io/instance"


def service(**args: Any) -> dict[str, str]:
    return one(objects_of({**CANARY, **args}), "Service")["spec"]["selector"]


def deployments(**args: Any) -> dict[str, dict[str, Any]]:
    found = objects_of({**CANARY, **args})
    return {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "Deployment"}


@pytest.mark.parametrize(
    ("rollout", "step", "selected"),
    [
        ("canary", "none", {NAME: "api"}),
        ("canary", "start", {NAME: "api"}),
        ("canary", "share", {INSTANCE: "api"}),
        ("canary", "back", {NAME: "api"}),
        ("blue-green", "start", {NAME: "api"}),
        ("blue-green", "share", {NAME: "api-canary"}),
    ],
)
def test_the_step_decides_who_gets_requests(rollout: str, step: str, selected: dict[str, str]) -> None:
    assert service(rollout=rollout, rollout_step=step) == selected


def test_the_second_version_has_its_own_settings_secrets_policy_and_budget() -> None:
    made = emitted(**CANARY, rollout_step="start")
    assert {name for name in names(made) if "canary" in name} == {
        *("api-canary", "api-canary-settings", "api-canary-secrets", "api-canary-policy"),
        "api-canary-budget",
    }
    server = made.named("api-canary").inputs["spec"]["template"]["spec"]["containers"][0]
    settings = made.named("api-canary-settings").inputs["metadata"]["name"]
    assert server["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert settings != made.named("api-settings").inputs["metadata"]["name"]


def names(made: Emitted) -> set[str]:
    return {resource.name for resource in made.resources}


def test_blue_and_green_have_as_many_pods_which_no_autoscaler_takes_away() -> None:
    args = {"rollout": "blue-green", "rollout_step": "share", "second_replicas": 4}
    assert deployments(**args)["api-canary"]["replicas"] == 4
    found = [each for each in objects_of({**CANARY, **args}) if each["kind"] == "HorizontalPodAutoscaler"]
    assert [(each["spec"]["scaleTargetRef"]["name"], each["spec"]["minReplicas"]) for each in found] == [
        ("api", 4),
        ("api-canary", 4),
    ]


@pytest.mark.parametrize("step", ["none", "start", "share", "back"])
def test_keda_scales_the_first_version_of_a_canary_by_the_load_of_both(step: str) -> None:
    args = {**CANARY, "scale_on": "requests", "monitoring": "operator", "rollout_step": step}
    objects = objects_of(args)
    assert not [each for each in objects if each["kind"] == "HorizontalPodAutoscaler"]
    scaled = one(objects, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == "api"
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (2, 4)
    # The query is of a job, which the pods of both versions are scraped as.
    assert 'job="api"' in scaled["triggers"][0]["metadata"]["query"]
    scrapes = one(objects, "PodMonitor")["spec"]
    assert scrapes["podMetricsEndpoints"][0]["relabelings"] == [{"targetLabel": "job", "replacement": "api"}]
    pods = [each["spec"]["template"] for each in objects if each["kind"] == "Deployment"]
    assert len(pods) == (2 if step in ("start", "share") else 1)
    for template in pods:
        assert scrapes["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_a_share_that_blue_and_green_do_not_have_is_refused_once() -> None:
    with pytest.raises(ValueError, match="canary_percent is 20 with `rollout` blue-green") as refused:
        checked_spec("api", {**PLAIN, "rollout": "blue-green", "canary_percent": 20})
    assert "raise `max_replicas`" not in str(refused.value)


def test_the_log_of_a_second_version_is_kept_like_that_of_the_first() -> None:
    def filters(pod: str, **args: Any) -> bool:
        spec = checked_spec("api", {**PLAIN, **GOOGLE, **args})
        [pattern] = re.findall(r'pod_name=~"(.+?)"', log_lines(spec))
        return re.fullmatch(pattern, pod) is not None

    canary = "api-canary-7d9f5c6b8-x2x4q"
    assert filters(canary, rollout="canary", max_replicas=4, max_nodes=9)
    assert filters("api-7d9f5c6b8-x2x4q", rollout="canary", max_replicas=4, max_nodes=9)
    # Without a rollout it is a service of its own.
    assert not filters(canary)
    assert not filters("api-other-7d9f5c6b8-x2x4q", rollout="canary", max_replicas=4, max_nodes=9)


def test_without_a_rollout_nothing_of_it_is_emitted_and_with_one_the_metrics_are() -> None:
    plain, canary = (objects_of({"rollout": kind}) for kind in ("rolling", "canary"))
    [before], [after] = (
        [each["spec"]["template"] for each in found if each["kind"] == "Deployment"]
        for found in (plain, canary)
    )
    assert plain == objects_of({})
    assert INSTANCE not in before["metadata"]["labels"]
    assert after["metadata"]["labels"][INSTANCE] == "api"
    assert [port["name"] for port in after["spec"]["containers"][0]["ports"]] == ["http", "metrics"]
    assert one(canary, "ConfigMap")["data"]["METRICS"] == "own-port"
    # Nobody but who has the cluster's own login reads it.
    policies = [one(found, "NetworkPolicy")["spec"]["ingress"] for found in (plain, canary)]
    assert policies[0] == policies[1]


def test_a_preview_says_what_runs_twice_and_which_share_whole_pods_give() -> None:
    plan = planned(**CANARY, **GPU, spare_node=True)
    said = [warned.text for warned in plan.warnings]
    assert any(
        "up to 1 more pod than" in text and "4 vCPU, 12 GiB, and 1 GPU of quota." in text for text in said
    )
    assert any("20 % to 33 % of the requests" in text for text in said)
    assert of_plan(plan, "api-service").inputs["spec"]["selector"] == {NAME: "api"}
