"""What KEDA scales a service by, and the way of requests through the interceptor of its HTTP add-on."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.components.kubernetes.rules import checked_spec, spec_warnings
from tests.components.observability.real_prometheus import prometheus_over
from tests.contract.kubernetes_cases import GOOGLE, GPU, PLAIN
from tests.contract.kubernetes_objects import objects_of, one

ROOT = Path(__file__).resolve().parents[3]
BY_REQUESTS: dict[str, Any] = {"monitoring": "operator", "scale_on": "requests", "namespace": "ml"}
ASLEEP: dict[str, Any] = {"scale_on": "interceptor", "min_replicas": 0, "namespace": "ml"}
METADATA = ("spec", "triggers", 0, "metadata")


def scaled(args: Mapping[str, Any], name: str = "api") -> dict[str, Any]:
    return one(objects_of(args, name), "ScaledObject")["spec"]


def query(args: Mapping[str, Any], name: str = "api") -> dict[str, str]:
    return scaled(args, name)["triggers"][0]["metadata"]


def warnings(args: Mapping[str, Any]) -> str:
    return "\n".join(spec_warnings(checked_spec("api", {**PLAIN, **args})))


def kinds(objects: list[dict[str, Any]]) -> set[str]:
    return {each["kind"] for each in objects}


def test_without_a_word_the_cpu_decides_and_nothing_of_keda_is_made() -> None:
    objects = objects_of({})
    assert not kinds(objects) & {"ScaledObject", "TriggerAuthentication", "InterceptorRoute"}
    assert "HorizontalPodAutoscaler" not in kinds(objects_of(BY_REQUESTS))


@pytest.mark.parametrize("load", ["requests", "queue"])
def test_the_query_reads_a_metric_that_the_server_has_of_this_service_alone(load: str) -> None:
    found = query({**BY_REQUESTS, "scale_on": load})["query"]
    [metric] = re.findall(r"([a-z_]+)\{", found)
    assert f'"{metric}"' in (ROOT / "service/metrics/readings.py").read_text()
    assert 'namespace="ml",job="api"' in found
    assert found != query({**BY_REQUESTS, "scale_on": load}, "other")["query"]


@pytest.mark.parametrize(
    ("args", "target"),
    [
        ({}, "5.6"),
        ({"concurrency": 20}, "14"),
        ({"concurrency": 1}, "1"),
        ({"scale_on": "queue", "concurrency": 20}, "5"),
        ({"scale_on": "queue"}, "2"),
        ({"scale_target": 12.5}, "12.5"),
    ],
)
def test_the_target_follows_the_concurrency_unless_it_is_given(args: Mapping[str, Any], target: str) -> None:
    assert query({**BY_REQUESTS, **args})["threshold"] == target


def test_the_cpu_counts_too_unless_a_gpu_computes() -> None:
    def types(**args: Any) -> list[str]:
        return [each["type"] for each in scaled({**BY_REQUESTS, **args})["triggers"]]

    assert types() == ["prometheus", "cpu"]
    assert types(**GPU) == ["prometheus"]
    [_, cpu] = scaled({**BY_REQUESTS, "cpu_target_percent": 75})["triggers"]
    assert (cpu["metricType"], cpu["metadata"]) == ("Utilization", {"value": "75"})


def test_without_an_answer_of_prometheus_the_pods_stay() -> None:
    spec = scaled({**BY_REQUESTS, "min_replicas": 2, "max_replicas": 9})
    assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert spec["fallback"]["replicas"] == 2
    # An empty answer is no load of zero: nobody scrapes the pods.
    assert spec["triggers"][0]["metadata"]["ignoreNullValues"] == "false"
    assert scaled(ASLEEP)["fallback"]["replicas"] == 1


def test_pods_are_removed_only_after_a_new_one_could_have_started() -> None:
    spec = scaled({**BY_REQUESTS, **GPU, "node_start_seconds": 900})
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] > 900
    assert spec["cooldownPeriod"] > 900
    assert spec["initialCooldownPeriod"] > 900


@pytest.mark.parametrize(
    ("args", "address"),
    [
        ({}, "http://prometheus-operated.monitoring.svc:9090"),
        ({"monitoring_namespaces": ["o11y"]}, "http://prometheus-operated.o11y.svc:9090"),
        ({"prometheus_address": "http://thanos:9090"}, "http://thanos:9090"),
        (
            {**GOOGLE, "monitoring": "google"},
            "https://monitoring.googleapis.com/v1/projects/acme-prod/location/global/prometheus",
        ),
    ],
)
def test_keda_reads_the_prometheus_that_scrapes_the_pods(args: Mapping[str, Any], address: str) -> None:
    assert query({**BY_REQUESTS, **args})["serverAddress"] == address
    assert address in warnings({**BY_REQUESTS, **args})


def test_googles_prometheus_is_read_as_kedas_own_account() -> None:
    google = {**BY_REQUESTS, **GOOGLE, "monitoring": "google"}
    objects = objects_of(google)
    login = one(objects, "TriggerAuthentication")
    assert login["spec"] == {"podIdentity": {"provider": "gcp"}}
    [trigger, _] = one(objects, "ScaledObject")["spec"]["triggers"]
    assert trigger["authenticationRef"] == {"name": login["metadata"]["name"]}
    assert "roles/monitoring.viewer" in warnings(google)
    # Nothing of Google's answers there.
    assert "TriggerAuthentication" not in kinds(objects_of({**google, "prometheus_address": "http://a:9090"}))


def test_prometheus_answers_the_query_with_the_load_of_all_instances(tmp_path: Path) -> None:
    def series(job: str, instance: str) -> str:
        return f'http_server_active_requests{{namespace="ml",job="{job}",instance="{instance}"}}'

    load = {
        series("api", "1"): [4.0] * 20,
        series("api", "2"): [2.0] * 20,
        series("other", "1"): [50.0] * 20,
    }
    with prometheus_over(tmp_path, load) as prometheus:
        [found] = prometheus.query(query(BY_REQUESTS)["query"])
        assert float(found["value"][1]) == pytest.approx(6)
        assert prometheus.query(query(BY_REQUESTS, "third")["query"]) == []


def test_an_autoscaler_lets_keda_take_over_before_it_is_deleted() -> None:
    annotations = one(objects_of({}), "HorizontalPodAutoscaler")["metadata"]["annotations"]
    assert annotations == {"validations.keda.sh/hpa-ownership": "false"}


def test_a_gpu_that_scales_by_its_cpu_is_told_what_to_scale_by() -> None:
    told = warnings({**GPU, "max_replicas": 4})
    assert "says little of a GPU's load; set `scale_on` to requests or queue where the cluster has" in told
    assert "says little" not in warnings({**GPU, **BY_REQUESTS, "max_replicas": 4})


def test_a_concurrency_that_keda_scales_by_is_not_said_to_have_no_effect() -> None:
    assert "which only KServe keeps to" in warnings({"concurrency": 3})
    assert "which only KServe keeps to" not in warnings({**BY_REQUESTS, "concurrency": 3})


def test_callers_of_a_service_that_sleeps_come_through_the_interceptor() -> None:
    objects = objects_of(ASLEEP)
    pods, proxy = [each for each in objects if each["kind"] == "Service"]
    assert proxy["metadata"]["name"] == "api-proxy"
    assert proxy["spec"]["externalName"] == "keda-add-ons-http-interceptor-proxy.keda.svc.cluster.local"
    route = one(objects, "InterceptorRoute")["spec"]
    assert route["target"] == {"service": pods["metadata"]["name"], "portName": "http"}
    [rule, *_] = one(objects, "NetworkPolicy")["spec"]["ingress"]
    [source] = rule["from"]
    assert source["namespaceSelector"]["matchExpressions"][0]["values"] == ["keda"]
    assert "http://api-proxy.ml.svc.cluster.local:8080" in warnings(ASLEEP)


def test_a_domain_leads_to_the_interceptor_and_is_a_host_of_the_route() -> None:
    objects = objects_of({**ASLEEP, "domain": "api.example.com", "public": True})
    [rule] = one(objects, "Ingress")["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "api-proxy", "port": {"name": "http"}}
    assert "api.example.com" in one(objects, "InterceptorRoute")["spec"]["rules"][0]["hosts"]
    assert "type ExternalName, api-proxy, which its controller must allow" in warnings(
        {**ASLEEP, "domain": "api.example.com"}
    )


def test_a_request_waits_for_a_whole_start_and_then_has_its_own_time() -> None:
    args = {**ASLEEP, "request_timeout_seconds": 30, "node_start_seconds": 600, "load_seconds": 40}
    timeouts = one(objects_of(args), "InterceptorRoute")["spec"]["timeouts"]
    seconds = {key: int(value.removesuffix("s")) for key, value in timeouts.items()}
    assert seconds["readiness"] >= 600 + 40
    assert seconds["responseHeader"] == 35  # the server itself answers 504 after 30
    assert seconds["request"] == seconds["readiness"] + 35
    assert f"up to {seconds['readiness']} s" in warnings(args)


def test_a_service_that_sleeps_begins_awake_and_is_not_waited_for_later() -> None:
    objects = objects_of(ASLEEP)
    assert one(objects, "Deployment")["spec"]["replicas"] == 1
    assert (scaled(ASLEEP)["minReplicaCount"], scaled(ASLEEP)["maxReplicaCount"]) == (0, 3)
    pods = next(each for each in objects if each["kind"] == "Service")
    assert pods["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    awake = next(each for each in objects_of({**ASLEEP, "min_replicas": 1}) if each["kind"] == "Service")
    assert "annotations" not in awake["metadata"]


def test_two_services_of_a_namespace_share_no_scaled_object_route_or_host() -> None:
    one_of, other = objects_of(ASLEEP), objects_of(ASLEEP, name="other")
    for kind in ("ScaledObject", "InterceptorRoute"):
        assert one(one_of, kind)["metadata"]["name"] != one(other, kind)["metadata"]["name"]
    hosts = [set(one(each, "InterceptorRoute")["spec"]["rules"][0]["hosts"]) for each in (one_of, other)]
    assert not hosts[0] & hosts[1]
    # The interceptor's table is the whole cluster's.
    elsewhere = one(objects_of({**ASLEEP, "namespace": "shop"}), "InterceptorRoute")["spec"]
    assert not hosts[0] & set(elsewhere["rules"][0]["hosts"])
