"""Spans go where `traces` says, with the way there, the right to write them, and nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi_aws as aws
import pulumi_gcp as gcp
import pytest

from slipway.components.cloud_run import CloudRunService
from slipway.components.fargate import FargateService
from slipway.components.fargate.collector import TRACES_MIB
from slipway.components.fault import ArgumentsError
from slipway.components.kubernetes import KubernetesService
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.cloud_run_cases import PLAIN as ON_CLOUD_RUN
from tests.contract.fargate_cases import PLAIN as ON_FARGATE
from tests.contract.kubernetes_cases import GOOGLE
from tests.contract.kubernetes_cases import PLAIN as ON_A_CLUSTER

TEMPO = "http://tempo.monitoring.svc:4318"
ON_GKE = {**ON_A_CLUSTER, "kubeconfig": "{}", **GOOGLE}
PLACES: Mapping[str, tuple[type[Any], Mapping[str, Any]]] = {
    "Cloud Run": (CloudRunService, ON_CLOUD_RUN),
    "GKE": (KubernetesService, ON_GKE),
    "Kubernetes": (KubernetesService, ON_A_CLUSTER),
    "Fargate": (FargateService, ON_FARGATE),
}


def made(place: str, **args: Any) -> Emitted:
    component, plain = PLACES[place]
    return emitted_by(lambda: void(component("api", {**plain, **args})))


def void(_made: object) -> None: ...


def variables(emitted: Emitted) -> dict[str, str]:
    """Return the server's plain environment."""
    for resource in emitted.resources:
        if resource.type == "gcp:cloudrunv2/service:Service":
            entries = resource.inputs["template"]["containers"][0]["envs"]
            return {one["name"]: one["value"] for one in entries if "value" in one}
        if resource.type == "kubernetes:core/v1:ConfigMap":
            return dict(resource.inputs["data"])
    [task] = emitted.of_type(aws.ecs.TaskDefinition)
    entries = json.loads(task.inputs["containerDefinitions"])[0]["environment"]
    return {one["name"]: one["value"] for one in entries}


@pytest.mark.parametrize("place", PLACES)
def test_without_the_argument_nothing_of_traces_is_there(place: str) -> None:
    emitted = made(place)
    assert not [name for name in variables(emitted) if name.startswith("OTEL")]
    assert "telemetry" not in repr(emitted)
    assert "xray" not in repr(emitted)


@pytest.mark.parametrize("place", PLACES)
def test_a_collector_of_ones_own_is_named_and_gets_no_right(place: str) -> None:
    emitted = made(place, traces=TEMPO)
    found = variables(emitted)
    assert (found["OTEL_EXPORTER_OTLP_ENDPOINT"], found["OTEL_SERVICE_NAME"]) == (TEMPO, "api")
    assert "telemetry.googleapis.com" not in repr(emitted)
    assert "xray" not in repr(emitted)


@pytest.mark.parametrize("place", ["Cloud Run", "GKE"])
def test_google_gets_spans_by_the_services_own_account_which_may_write_them_alone(place: str) -> None:
    emitted = made(place, traces="cloud", env={"OTEL_RESOURCE_ATTRIBUTES": "team=search"})
    found = variables(emitted)
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://telemetry.googleapis.com"
    assert found["OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"] == "gcp_http_credentials"
    [grant] = emitted.of_type(gcp.projects.IAMMember)
    project = grant.inputs["project"]
    assert found["OTEL_RESOURCE_ATTRIBUTES"] == f"team=search,gcp.project_id={project}"
    [account] = emitted.of_type(gcp.serviceaccount.Account)
    assert grant.inputs["role"] == "roles/telemetry.tracesWriter"
    assert grant.inputs["member"].startswith(f"serviceAccount:{account.inputs['accountId']}@")
    apis = {one.inputs["service"] for one in emitted.of_type(gcp.projects.Service)}
    assert "telemetry.googleapis.com" in apis


@pytest.mark.parametrize(("traces", "port"), [(TEMPO, 4318), ("cloud", 443)])
def test_a_network_policy_lets_spans_out(traces: str, port: int) -> None:
    [policy] = [r for r in made("GKE", traces=traces).resources if r.type.endswith(":NetworkPolicy")]
    ports = {one["port"] for rule in policy.inputs["spec"]["egress"] for one in rule.get("ports", [])}
    assert port in ports
    assert (988 in ports) == (traces == "cloud")  # Google's metadata server, which gives the token


def test_x_ray_gets_spans_from_a_collector_within_the_memory_of_the_task() -> None:
    emitted = made("Fargate", traces="cloud")
    [task] = emitted.of_type(aws.ecs.TaskDefinition)
    server, collector = json.loads(task.inputs["containerDefinitions"])
    assert collector["name"] == "traces"
    assert not collector["essential"]
    assert "@sha256:" in collector["image"]
    assert server["memory"] + collector["memory"] == int(task.inputs["memory"])
    assert collector["memory"] == TRACES_MIB
    [variable] = collector["environment"]
    configuration = json.loads(variable["value"])
    assert configuration["receivers"]["otlp"]["protocols"] == {"http": {"endpoint": "localhost:4318"}}
    assert configuration["exporters"] == {"awsxray": {"region": ON_FARGATE["region"]}}
    assert variables(emitted)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:4318"
    policies = [json.loads(one.inputs["policy"]) for one in emitted.of_type(aws.iam.RolePolicy)]
    statements = [one for policy in policies for one in policy["Statement"] if "xray" in json.dumps(one)]
    [statement] = statements
    assert statement["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def test_the_tasks_may_call_a_collector_elsewhere() -> None:
    rules = made("Fargate", traces=TEMPO).of_type(aws.vpc.SecurityGroupEgressRule)
    assert 4318 in {rule.inputs.get("toPort") for rule in rules}


@pytest.mark.parametrize(
    ("place", "args", "said"),
    [
        ("Cloud Run", {"traces": "yes"}, "traces is 'yes'; allowed are off, cloud, and the address"),
        ("Fargate", {"traces": "tempo:4318"}, "traces is 'tempo:4318'; allowed are off, cloud"),
        ("GKE", {"traces": "http://a b"}, "traces is 'http://a b'"),
        ("Kubernetes", {"traces": "cloud"}, "traces is cloud, but the cluster is in no cloud"),
        (
            "Cloud Run",
            {"traces": "cloud", "env": {"OTEL_EXPORTER_OTLP_ENDPOINT": TEMPO}},
            "env has OTEL_EXPORTER_OTLP_ENDPOINT, which `traces` sets; keep one of the two",
        ),
        (
            "Fargate",
            {"traces": "cloud", "egress": "endpoints"},
            "egress is endpoints with `traces` cloud; no collector, and no image of one",
        ),
    ],
)
def test_what_would_lose_every_span_is_refused(place: str, args: Mapping[str, Any], said: str) -> None:
    component, plain = PLACES[place]
    with pytest.raises(ArgumentsError) as error:
        component("api", {**plain, **args})
    assert said in str(error.value)
