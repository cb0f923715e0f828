"""What Cloud Monitoring and Cloud Logging see of the workers of a service on GKE."""

import re
from typing import Any

import pytest

from slipway.components.google.monitoring.policies import policies_of
from slipway.components.kubernetes import KubernetesService
from slipway.components.kubernetes.cloud_monitoring import job_lines, log_lines, watched_of
from slipway.components.kubernetes.rules import checked_spec
from slipway.components.kubernetes.spec import KubernetesSpec
from tests.contract.cloud import emitted_by
from tests.contract.kubernetes_cases import GOOGLE, PLAIN

BASIC: dict[str, Any] = {**GOOGLE, "observability": "basic"}
SERVER, WORKER, CANARY, OTHER = "api-5f6d-x2x", "api-worker-5f6d-x2x", "api-canary-5f6d-x2x", "api-b-5f6d-x2x"


def spec_of(**args: Any) -> KubernetesSpec:
    return checked_spec("api", {**PLAIN, **BASIC, **args})


def pods_in(lines: str) -> list[str]:
    """Return which pods a filter of the log selects."""
    found = re.search(r'pod_name=~"([^"]+)"', lines)
    assert found
    return [pod for pod in (SERVER, WORKER, CANARY, OTHER) if re.search(found[1], pod)]


@pytest.mark.parametrize(
    ("args", "pods"),
    [
        ({}, [SERVER]),
        ({"jobs": True}, [SERVER, WORKER]),
        ({"rollout": "canary", "min_replicas": 2}, [SERVER, CANARY]),
        ({"jobs": True, "rollout": "canary", "min_replicas": 2}, [SERVER, WORKER, CANARY]),
    ],
)
def test_the_log_that_is_kept_and_raises_an_alarm_is_that_of_all_pods(
    args: dict[str, Any], pods: list[str]
) -> None:
    lines = log_lines(spec_of(**args))
    assert pods_in(lines) == pods
    container = '=~"^(server|worker)$"' if "jobs" in args else '="server"'
    assert f"resource.labels.container_name{container} AND" in lines


@pytest.mark.parametrize(("least", "pods"), [(1, [WORKER]), (0, [SERVER])])
def test_jobs_are_counted_from_the_lines_of_those_that_always_run(least: int, pods: list[str]) -> None:
    assert pods_in(job_lines(spec_of(jobs=True, min_workers=least))) == pods


def alarms(**args: Any) -> dict[str, str]:
    return {policy.key: policy.query for policy in policies_of(watched_of(spec_of(**args)))}


def test_basic_raises_the_alarms_of_jobs_by_metrics_of_the_log() -> None:
    found = alarms(jobs=True)
    ours = {key: query for key, query in found.items() if key.startswith("jobs")}
    assert ours.keys() == {"jobs-oldest-ticket", "jobs-oldest-page", "jobs-set-aside-ticket"}
    assert 'user_api_jobs_oldest_seconds_sum{monitored_resource="k8s_container"}' in ours["jobs-oldest-page"]
    assert not any(key.startswith("jobs") for key in alarms())


def test_where_google_reads_the_metrics_jobs_are_not_counted_twice() -> None:
    found = alarms(jobs=True, monitoring="google", observability="full")
    assert "slipway_jobs_oldest_seconds" in found["jobs-oldest-page"]
    assert not any("logging_googleapis_com" in query for query in found.values())


@pytest.mark.parametrize(("args", "number"), [({"jobs": True}, 4), ({}, 0)])
def test_a_metric_of_the_log_is_made_of_each_number_of_jobs(args: dict[str, Any], number: int) -> None:
    given: Any = {**PLAIN, **BASIC, **args}
    emitted = emitted_by(lambda: KubernetesService("api", given) and None)
    metrics = [each for each in emitted.resources if each.type == "gcp:logging/metric:Metric"]
    assert len(metrics) == number
    assert all(pods_in(each.inputs["filter"]) == [WORKER] for each in metrics)
