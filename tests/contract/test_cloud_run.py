"""Does Cloud Run take what we emit? Google's own messages and our rules, read backwards, judge it."""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.components.cloud_run import CloudRunService, ExecutionEnvironment, Ingress, VpcEgress
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.cloud_run_api import Judge, api_form
from tests.contract.cloud_run_cases import PLAIN, RIGHT, WRONG

SNAPSHOT = [
    ("gcp:cloudrun/domainMapping:DomainMapping", "api-domain", "api"),
    ("gcp:cloudrunv2/service:Service", "api-service", "api"),
    ("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", "api-invoker-allUsers", "api"),
    ("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", "api-invoker-group:ops@example.com", "api"),
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "api-access-log", "api"),
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "api-event-log", "api"),
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "api-exception-log", "api"),
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "api-payload-log", "api"),
    ("gcp:logging/projectExclusion:ProjectExclusion", "api-log-exclusion", "api"),
    ("gcp:logging/projectSink:ProjectSink", "api-access-sink", "api"),
    ("gcp:logging/projectSink:ProjectSink", "api-event-sink", "api"),
    ("gcp:logging/projectSink:ProjectSink", "api-exception-sink", "api"),
    ("gcp:logging/projectSink:ProjectSink", "api-payload-sink", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-availability-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-availability-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-capacity-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-errors-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-latency-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-latency-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-memory-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-memory-ticket-alarm", "api"),
    ("gcp:monitoring/customService:CustomService", "api-objectives", "api"),
    ("gcp:monitoring/dashboard:Dashboard", "api-dashboard", "api"),
    ("gcp:monitoring/slo:Slo", "api-availability-objective", "api"),
    ("gcp:monitoring/slo:Slo", "api-latency-objective", "api"),
    ("gcp:projects/service:Service", "api-cloudresourcemanager-api", "api"),
    ("gcp:projects/service:Service", "api-iam-api", "api"),
    ("gcp:projects/service:Service", "api-monitoring-api", "api"),
    ("gcp:projects/service:Service", "api-run-api", "api"),
    ("gcp:projects/service:Service", "api-secretmanager-api", "api"),
    ("gcp:secretmanager/secret:Secret", "api-HF_TOKEN-secret", "api"),
    ("gcp:secretmanager/secret:Secret", "api-MODEL_API_KEY-secret", "api"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-HF_TOKEN-access", "api"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-MODEL_API_KEY-access", "api"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-other-team-database-access", "api"),
    ("gcp:secretmanager/secretVersion:SecretVersion", "api-HF_TOKEN-version", "api"),
    ("gcp:secretmanager/secretVersion:SecretVersion", "api-MODEL_API_KEY-version", "api"),
    ("gcp:serviceaccount/account:Account", "api-account", "api"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-models-reader", "api"),
    ("pulumi:pulumi:Stack", "demo-dev", ""),
    ("random:index/randomId:RandomId", "api-logs-suffix", "api"),
    ("random:index/randomPassword:RandomPassword", "api-api-key", "api"),
    ("slipway:index:CloudRunService", "api", "demo-dev"),
]
EVERYTHING: dict[str, Any] = {
    **PLAIN,
    "model": "gs://models/spam@1763721600000000",
    "secret_values": {"HF_TOKEN": "hush"},
    "secrets": {"DATABASE": "projects/other-team/secrets/database/versions/7"},
    "public": True,
    "invokers": ["group:ops@example.com"],
    "domain": "api.example.com",
}


def services(*names: str, args: Mapping[str, Any]) -> Emitted:
    def program() -> None:
        for name in names:
            service = CloudRunService(name, {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
            pulumi.export(f"{name}-url", service.url)
            pulumi.export(f"{name}-records", service.domain_records)

    return emitted_by(program)


def form_of(args: Mapping[str, Any], name: str = "api") -> dict[str, Any]:
    return api_form(services(name, args=args).named(f"{name}-service").inputs)


@pytest.mark.parametrize("args", RIGHT.values(), ids=RIGHT.keys())
def test_google_and_our_rules_take_what_is_emitted(args: Mapping[str, Any], judge: Judge) -> None:
    verdict = judge(form_of(args))
    assert (verdict.refused, verdict.broken) == (None, [])


@pytest.mark.parametrize(("args", "said"), WRONG)
def test_wrong_arguments_are_refused_before_anything_is_registered(
    args: Mapping[str, Any], said: str
) -> None:
    registered: list[Any] = []

    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            CloudRunService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        assert all(line.startswith("api: ") for line in str(refusal.value).splitlines())
        assert "hush" not in str(refusal.value)
        registered.append(refusal)

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]
    assert registered


@pytest.mark.parametrize("name", ["A" * 80, "Api", "1api", "api-", "", "a" * 41, "api_one"])
def test_a_name_that_no_cloud_takes_is_refused(name: str) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=r"allowed are 1 to 40 lowercase letters, digits and hyphens"):
            CloudRunService(name, PLAIN)  # pyright: ignore[reportArgumentType]

    assert len(emitted_by(program).resources) == 1


def test_all_faults_of_a_service_are_told_at_once() -> None:
    def program() -> None:
        with pytest.raises(ValueError, match="cpu is 3") as refusal:
            CloudRunService("api", {"model": "x", "cpu": 3, "memory_gib": 40, "env": {"K_SERVICE": ""}})  # pyright: ignore[reportArgumentType]
        told = str(refusal.value)
        for fault in (
            "cpu is 3",
            "memory_gib is 40",
            "K_SERVICE",
            "project is missing",
            "image_ref is missing",
            "model is 'x'",
        ):
            assert fault in told

    emitted_by(program)


def set_at(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(form: Any) -> None:
        for step in path[:-1]:
            form = form[step]
        form[path[-1]] = value

    return change


CONTAINER = ("template", "containers", 0)


# Rule -> what breaks it in an emitted form: the judge can say no. A rule is missing here where a test of the
# component fails on what breaks it.
def beside(**more: Any) -> Callable[[dict[str, Any]], None]:
    """Put a container next to the server's, which it would not wait for."""

    def change(form: dict[str, Any]) -> None:
        container = {"name": "collector", "image": f"acme/collector@sha256:{'c' * 64}", **more}
        container.setdefault("resources", {"limits": {"cpu": "500m", "memory": "512Mi"}})
        form["template"]["containers"].append(container)

    return change


BREAKING: dict[str, Callable[[dict[str, Any]], None]] = {
    "a container beside it waits for it, by its name": beside(),
    "an instance has room for all containers": beside(resources={"limits": {"cpu": "8", "memory": "1Gi"}}),
    "project and region are named": set_at("name", value="projects//locations/europe-west4/services/api"),
    "one container has the port": set_at(*CONTAINER, "ports", value=[]),
    "every image has its digest": set_at(*CONTAINER, "image", value="acme/slipway:latest"),
    "the start-up probe gives up within 240 s": set_at(
        *CONTAINER, "startupProbe", "failureThreshold", value=241
    ),
    "a probe asks this port and ends before the next": set_at(
        *CONTAINER, "livenessProbe", "timeoutSeconds", value=31
    ),
    "the environment is allowed": set_at(*CONTAINER, "env", 0, "name", value="K_SERVICE"),
    "every secret's version is a number": set_at(
        *CONTAINER, "env", 4, "valueSource", "secretKeyRef", "version", value="latest"
    ),
    "labels are lowercase letters, digits, _ and -": set_at("labels", value={"Team": "x"}),
    "a revision's name begins with the service's, in 63 characters": set_at(
        "template", "revision", value="other-0a1b2c3d"
    ),
    "all traffic goes to the latest revision": set_at("traffic", 0, "percent", value=90),
    "it runs as its own account": set_at("template", "serviceAccount", value=""),
}


@pytest.mark.parametrize("rule", BREAKING)
def test_the_judge_names_the_rule_that_an_emitted_form_breaks(rule: str, judge: Judge) -> None:
    form = deepcopy(form_of({}))
    BREAKING[rule](form)
    assert rule in judge(form).broken


@pytest.mark.parametrize(
    "change",
    [
        set_at("template", "memory", value="2Gi"),
        set_at("deletionProtection", value=True),
        set_at(*CONTAINER, "envs", value=[]),
        set_at(*CONTAINER, "resources", "limits", "cpu", value=1),
        set_at("template", "timeout", value="60"),
        set_at("template", "executionEnvironment", value="GEN2"),
        set_at("ingress", value="all"),
        set_at(*CONTAINER, "startupProbe", "tcpSocket", value={"port": 8080}),
        set_at(*CONTAINER, "readinessProbe", "successThreshold", value=1),
        set_at("scaling", "minInstanceCount", value=0.5),
    ],
)
def test_google_refuses_a_form_of_another_shape(
    change: Callable[[dict[str, Any]], None], judge: Judge
) -> None:
    form = deepcopy(form_of({}))
    change(form)
    assert judge(form).refused


def test_type_name_and_parent_of_every_resource_stay_as_they_are() -> None:
    """A change here replaces what people run, unless it carries an alias."""
    emitted = services("api", args=EVERYTHING)
    assert sorted((r.type, r.name, (r.parent or "").split("::")[-1]) for r in emitted.resources) == SNAPSHOT


def test_two_services_live_in_one_program() -> None:
    emitted = services("api", "api-2", args=EVERYTHING)
    assert len(emitted.resources) == 2 * len(SNAPSHOT) - 1
    for name in ("api", "api-2"):
        assert emitted.outputs[f"{name}-url"] == f"https://{name}-123456789012.europe-west4.run.app"
    accounts = {str(r.inputs["accountId"]) for r in emitted.of_type(gcp.serviceaccount.Account)}
    secrets = {str(r.inputs["secretId"]) for r in emitted.of_type(gcp.secretmanager.Secret)}
    assert (len(accounts), len(secrets)) == (2, 4)


def test_no_secret_is_in_what_is_emitted() -> None:
    args = {**EVERYTHING, "api_key": "hush-hush-hush-hush"}
    emitted = services("api", args=args)
    assert "hush" not in json.dumps([dict(r.inputs) for r in emitted.resources])
    assert "hush" not in repr(emitted)
    created = services("api", args=PLAIN)
    assert "r" * 40 not in repr(created)  # the password as the table makes it


def test_every_resource_of_google_has_a_name_that_google_takes() -> None:
    emitted = services("a", "b" * 40, args=EVERYTHING)
    for account in emitted.of_type(gcp.serviceaccount.Account):
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account.inputs["accountId"])
    for secret in emitted.of_type(gcp.secretmanager.Secret):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", secret.inputs["secretId"])


SIZES = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([0.05, 0.08, 0.25, 0.5, 0.999, 1, 1.5, 2, 3, 4, 6, 8, 20]),
        "memory_gib": st.sampled_from([0.0625, 0.125, 0.25, 0.5, 0.7, 1, 2, 3.5, 4, 8, 16, 32, 33, 80]),
        "concurrency": st.sampled_from([0, 1, 8, 80, 1000, 1001]),
        "execution_environment": st.sampled_from(ExecutionEnvironment),
        "cpu_always": st.booleans(),
        "load_seconds": st.floats(0.01, 250),
        "request_timeout_seconds": st.floats(0.001, 3700),
        "min_replicas": st.integers(0, 3),
        "max_replicas": st.integers(1, 3),
    },
)
ACCELERATED = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from(["nvidia-l4", "nvidia-rtx-pro-6000"]),
        "cpu": st.sampled_from([2, 4, 6, 8, 20, 22.5, 24]),
        "memory_gib": st.sampled_from([8, 16, 24, 32, 80, 96]),
    },
    optional={
        "region": st.sampled_from(["europe-west4", "us-central1", "us-east4", "europe-north1"]),
        "gpu_count": st.integers(0, 2),
        "cpu_always": st.booleans(),
        "gpu_zonal_redundancy": st.booleans(),
    },
)
TEXTS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(1, 65535),
        "env": st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_ ]{0,9}", fullmatch=True), st.text()),
        "labels": st.dictionaries(st.from_regex(r"[a-z][a-z0-9_/-]{0,70}", fullmatch=True), st.just("a_1-")),
        "model": st.sampled_from(["bundled:sms-spam", "gs://models/a@1", "gs://models/a", "s3://models/a@v"]),
        "model_volume": st.booleans(),
        "vpc_network": st.sampled_from(["", "inner"]),
        "vpc_egress": st.sampled_from(VpcEgress),
        "ingress": st.sampled_from(Ingress),
        "public": st.booleans(),
    },
)


@settings(max_examples=200, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(args=st.one_of(SIZES, ACCELERATED, TEXTS))
def test_what_our_checks_pass_keeps_the_contract(args: dict[str, Any], judge: Judge) -> None:
    try:
        form = form_of(args)
    except ValueError:
        return
    assert judge(form).passes
