"""Each kind of a service's lines goes to a bucket that keeps it for its own time, and to no other."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi_gcp as gcp
import pytest

from slipway.components.cloud_run import CloudRunService
from slipway.components.fault import ArgumentsError
from slipway.components.kubernetes import KubernetesService
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.cloud_run_cases import PLAIN
from tests.contract.kubernetes_cases import GOOGLE
from tests.contract.kubernetes_cases import PLAIN as ON_A_CLUSTER

KINDS = ("access", "event", "exception", "payload")


def on_cloud_run(**args: Any) -> Emitted:
    return emitted_by(lambda: void(CloudRunService("api", {**PLAIN, **args})))  # pyright: ignore[reportArgumentType]


def on_gke(**args: Any) -> Emitted:
    given = {**ON_A_CLUSTER, "kubeconfig": "{}", **GOOGLE, **args}
    return emitted_by(lambda: void(KubernetesService("api", given)))  # pyright: ignore[reportArgumentType]


def void(_made: object) -> None: ...


def days_of(emitted: Emitted) -> Mapping[str, int]:
    buckets = emitted.of_type(gcp.logging.ProjectBucketConfig)
    return {str(one.inputs["bucketId"]).rpartition("-")[2]: one.inputs["retentionDays"] for one in buckets}


def filter_of(emitted: Emitted, name: str) -> str:
    return str(emitted.named(f"api-{name}").inputs["filter"])


@pytest.mark.parametrize("emitted", [on_cloud_run, on_gke])
def test_each_kind_is_kept_for_its_own_time(emitted: Any) -> None:
    assert days_of(emitted()) == {"access": 30, "event": 90, "exception": 90, "payload": 14}
    changed = emitted(log_retention={"access": 7, "payload": 1})
    assert days_of(changed) == {"access": 7, "event": 90, "exception": 90, "payload": 1}


@pytest.mark.parametrize("emitted", [on_cloud_run, on_gke])
def test_each_sink_writes_one_kind_to_its_bucket_and_the_default_bucket_gets_none(emitted: Any) -> None:
    made = emitted()
    for kind in KINDS:
        bucket = made.named(f"api-{kind}-log").inputs
        place = f"projects/{bucket['project']}/locations/{bucket['location']}/buckets/{bucket['bucketId']}"
        assert made.named(f"api-{kind}-sink").inputs["destination"] == f"logging.googleapis.com/{place}"
        assert re.findall(r'jsonPayload\.kind="([a-z]+)"', filter_of(made, f"{kind}-sink")) == [kind]
    excluded = filter_of(made, "log-exclusion")
    assert 'jsonPayload.kind=("access" OR "event" OR "exception" OR "payload")' in excluded
    [exclusion] = made.of_type(gcp.logging.ProjectExclusion)
    sinks = {sink.urn for sink in made.of_type(gcp.logging.ProjectSink)}
    assert sinks <= set(exclusion.dependencies)  # no line is left out before it has another place


def test_cloud_runs_own_line_of_a_request_is_kept_as_long_as_the_servers() -> None:
    made = on_cloud_run()
    for name in ("access-sink", "log-exclusion"):
        assert 'log_id("run.googleapis.com/requests")' in filter_of(made, name)
    assert "run.googleapis.com" not in filter_of(made, "event-sink")
    assert 'resource.labels.service_name="api"' in filter_of(made, "event-sink")


@pytest.mark.parametrize(
    ("pod", "is_ours"),
    [
        ("api-6d5f9c7b8-x2x9z", True),
        ("api-next-6d5f9c7b8-x2x9z", False),
        ("an-api-6d5f9c7b8-x2x9z", False),
    ],
)
def test_a_pod_is_known_by_its_whole_name(pod: str, is_ours: bool) -> None:
    [pattern] = re.findall(r'pod_name=~"([^"]+)"', filter_of(on_gke(), "event-sink"))
    assert bool(re.search(pattern, pod)) is is_ours


def test_a_bucket_is_in_the_region_of_a_zonal_cluster() -> None:
    made = on_gke(google_region="europe-west4-a")
    assert {one.inputs["location"] for one in made.of_type(gcp.logging.ProjectBucketConfig)} == {
        "europe-west4"
    }


def test_on_another_cluster_nothing_of_google_is_made_and_days_are_refused() -> None:
    made = emitted_by(lambda: void(KubernetesService("api", {**ON_A_CLUSTER})))  # pyright: ignore[reportArgumentType]
    assert not [one for one in made.resources if one.type.startswith("gcp:")]
    with pytest.raises(ArgumentsError, match="log_retention is given, but only GKE keeps logs by kind"):
        KubernetesService("api", {**ON_A_CLUSTER, "log_retention": {"access": 7}})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "log_retention.access is 0; Cloud Logging allows 1 to 3650 days; nearest: 1."),
        (4000, "log_retention.access is 4000; Cloud Logging allows 1 to 3650 days; nearest: 3650."),
        (1.5, "log_retention.access is 1.5; Cloud Logging allows 1 to 3650 days; nearest: 1."),
    ],
)
def test_days_that_cloud_logging_does_not_offer_are_refused(days: float, said: str) -> None:
    with pytest.raises(ArgumentsError) as error:
        CloudRunService("api", {**PLAIN, "log_retention": {"access": days}})  # pyright: ignore[reportArgumentType]
    assert said in str(error.value)


def test_a_kind_that_no_line_has_is_refused() -> None:
    with pytest.raises(ArgumentsError, match=r"log_retention\.acess"):
        CloudRunService("api", {**PLAIN, "log_retention": {"acess": 7}})  # pyright: ignore[reportArgumentType]
