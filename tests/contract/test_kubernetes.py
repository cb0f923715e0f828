"""Does Kubernetes take what we emit? Its schemas and our rules, read backwards, judge it."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.components.kubernetes import KubernetesService
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.kubernetes_cases import BUCKET, EVERYTHING, GOOGLE, GPU, IMAGE, PLAIN, POOL, WRONG
from tests.contract.kubernetes_job_cases import EVERY_RIGHT, EVERYTHING_OF_JOBS, WRONG_WITH_JOBS
from tests.contract.kubernetes_judge import EXTENSIONS, broken_rules, schema_faults
from tests.contract.kubernetes_objects import objects_of, one

SNAPSHOT = [
    ("gcp:compute/globalAddress:GlobalAddress", "api-address", "api"),
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
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-connections-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-connections-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-drift-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-errors-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-gpu-memory-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-instances-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-latency-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-latency-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-log-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-memory-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-memory-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-queue-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-queue-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-ready-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-ready-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-restarts-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-threads-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-turn-ticket-alarm", "api"),
    ("gcp:monitoring/dashboard:Dashboard", "api-dashboard", "api"),
    ("gcp:projects/service:Service", "api-monitoring-api", "api"),
    ("gcp:serviceaccount/account:Account", "api-account", "api"),
    ("gcp:serviceaccount/iAMMember:IAMMember", "api-pods", "api"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-models-reader", "api"),
    ("kubernetes:apps/v1:Deployment", "api-deployment", "api"),
    ("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "api-autoscaler", "api"),
    ("kubernetes:cloud.google.com/v1:BackendConfig", "api-backend", "api"),
    ("kubernetes:core/v1:ConfigMap", "api-dashboard", "api"),
    ("kubernetes:core/v1:ConfigMap", "api-settings", "api"),
    ("kubernetes:core/v1:Namespace", "api-namespace", "api"),
    ("kubernetes:core/v1:PersistentVolumeClaim", "api-model", "api"),
    ("kubernetes:core/v1:Secret", "api-secrets", "api"),
    ("kubernetes:core/v1:Service", "api-service", "api"),
    ("kubernetes:core/v1:ServiceAccount", "api-identity", "api"),
    ("kubernetes:monitoring.googleapis.com/v1:PodMonitoring", "api-monitoring", "api"),
    ("kubernetes:monitoring.googleapis.com/v1:Rules", "api-rules", "api"),
    ("kubernetes:networking.gke.io/v1:ManagedCertificate", "api-certificate", "api"),
    ("kubernetes:networking.gke.io/v1beta1:FrontendConfig", "api-frontend", "api"),
    ("kubernetes:networking.k8s.io/v1:Ingress", "api-ingress", "api"),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-policy", "api"),
    ("kubernetes:policy/v1:PodDisruptionBudget", "api-budget", "api"),
    ("pulumi:providers:kubernetes", "api-cluster", "api"),
    ("pulumi:pulumi:Stack", "demo-dev", ""),
    ("random:index/randomId:RandomId", "api-logs-suffix", "api"),
    ("random:index/randomPassword:RandomPassword", "api-api-key", "api"),
    ("slipway:index:KubernetesService", "api", "demo-dev"),
]

SNAPSHOT_OF_JOBS = [
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-failed-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-failed-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-oldest-page-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-oldest-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-set-aside-ticket-alarm", "api"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-webhooks-ticket-alarm", "api"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-acme-jobs-user", "api"),
    ("kubernetes:apps/v1:Deployment", "api-worker", "api"),
    ("kubernetes:keda.sh/v1alpha1:ScaledObject", "api-worker-scaler", "api"),
    ("kubernetes:keda.sh/v1alpha1:TriggerAuthentication", "api-worker-scaler-login", "api"),
    ("kubernetes:monitoring.googleapis.com/v1:PodMonitoring", "api-worker-monitoring", "api"),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-worker-policy", "api"),
    ("kubernetes:policy/v1:PodDisruptionBudget", "api-worker-budget", "api"),
    ("kubernetes:postgresql.cnpg.io/v1:Cluster", "api-job-database", "api"),
]


def services(*names: str, args: Mapping[str, Any]) -> Emitted:
    def program() -> None:
        for name in names:
            service = KubernetesService(name, {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
            pulumi.export(f"{name}-url", service.url)

    return emitted_by(program)


@pytest.mark.parametrize("args", EVERY_RIGHT.values(), ids=EVERY_RIGHT.keys())
def test_the_schemas_of_every_supported_version_and_our_rules_take_what_is_emitted(
    args: Mapping[str, Any],
) -> None:
    objects = objects_of(args)
    assert schema_faults(objects) == []
    assert broken_rules(objects) == []


@pytest.mark.parametrize("more", [{"create_namespace": False}, GOOGLE, {"serving": "kserve"}])
def test_an_account_that_exists_is_all_that_is_not_emitted(more: Mapping[str, Any]) -> None:
    objects = objects_of({"service_account": "models", **more})
    assert schema_faults(objects) == []
    assert broken_rules(objects) == ["the identity is there"]


@pytest.mark.parametrize("args", EVERY_RIGHT.values(), ids=EVERY_RIGHT.keys())
def test_what_is_registered_is_what_was_judged(args: Mapping[str, Any]) -> None:
    def plain(body: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in body.items() if key not in ("stringData", "metadata")}

    registered = [
        resource.inputs
        for resource in services("api", args={**args, "api_key": "a-key-of-enough-characters"}).resources
        if resource.type.startswith("kubernetes:")
    ]
    judged = objects_of(args)
    assert len(registered) == len(judged)
    for body in judged:
        annotations = {**body["metadata"].get("annotations", {}), "pulumi.com/patchForce": "true"}
        metadata = {**body["metadata"], "annotations": annotations}
        (found,) = [
            inputs
            for inputs in registered
            if inputs["kind"] == body["kind"]
            and inputs["metadata"] == metadata
            and inputs.get("data", {}).keys() == body.get("data", {}).keys()
        ]
        assert plain(found) == plain(body)


@pytest.mark.parametrize(("args", "said"), [*WRONG, *WRONG_WITH_JOBS])
def test_wrong_arguments_are_refused_before_anything_is_registered(
    args: Mapping[str, Any], said: str
) -> None:
    told: list[str] = []

    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            KubernetesService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        told.append(str(refusal.value))

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]
    assert all(line.startswith("api: ") for line in told[0].splitlines())
    assert "hush" not in told[0]


def test_all_faults_of_a_service_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="min_replicas is 0") as refusal:
        objects_of({"min_replicas": 0, "namespace": "A", "cpu": -1, "model": "x", "image_ref": ""})
    for fault in ("namespace is 'A'", "cpu is -1", "model is 'x'", "image_ref is missing"):
        assert fault in str(refusal.value)


def test_the_names_types_and_parents_of_every_resource_stay() -> None:
    made = services("api", args=EVERYTHING)
    found = [(r.type, r.name, (r.parent or "").split("::")[-1]) for r in made.resources]
    assert sorted(found) == SNAPSHOT


def test_the_names_types_and_parents_of_what_jobs_add_stay() -> None:
    made = services("api", args=EVERYTHING_OF_JOBS)
    without = services("api", args={"kubeconfig": "{}", **GOOGLE, "monitoring": "google"})
    named = [
        sorted((r.type, r.name, (r.parent or "").split("::")[-1]) for r in each.resources)
        for each in (made, without)
    ]
    assert sorted(set(named[0]) - set(named[1])) == SNAPSHOT_OF_JOBS
    assert set(named[1]) <= set(named[0])


def test_the_inference_service_of_kserve_stays_too() -> None:
    made = services("api", args={"serving": "kserve"})
    types = {r.type for r in made.resources}
    assert "kubernetes:serving.kserve.io/v1beta1:InferenceService" in types
    assert not {
        kind for kind in types if kind.endswith(("Deployment", "HorizontalPodAutoscaler", ":Service"))
    }


def test_two_services_share_a_stack_without_a_name_in_common() -> None:
    made = services("front", "back", args={"kubeconfig": "{}", **GOOGLE, "model": BUCKET})
    objects = [r.inputs for r in made.resources if r.type.startswith("kubernetes:")]
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))


def test_only_kinds_of_extensions_are_without_a_schema() -> None:
    kinds = {found["kind"] for args in EVERY_RIGHT.values() for found in objects_of(args)}
    assert kinds >= EXTENSIONS - {"FrontendConfig"}
    assert len(kinds - EXTENSIONS) == 11


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@st.composite
def anything(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments over their whole range, right and wrong ones."""
    least = draw(st.integers(0, 6))
    args: dict[str, Any] = {
        "cpu": draw(st.sampled_from([0.1, 0.25, 1, 2, 3.5, 4, 8])),
        "memory_gib": draw(st.sampled_from([0.25, 0.5, 2, 12, 26, 64])),
        "min_replicas": least,
        "max_replicas": draw(st.integers(1, 12)),
        "load_seconds": draw(st.sampled_from([0.5, 10, 240, 3600])),
        "request_timeout_seconds": draw(st.sampled_from([0.01, 1, 60, 3600])),
        "port": draw(st.integers(1000, 65536)),
        "namespace": draw(NAMES),
        "model": draw(st.sampled_from(["bundled:sms-spam", BUCKET, "gs://models/spam", "s3://m-b/a@b"])),
        "model_delivery": draw(st.sampled_from(["fetch", "mount"])),
        "serving": draw(st.sampled_from(["deployment", "deployment", "kserve"])),
        "public": draw(st.booleans()),
        "network_policy": draw(st.booleans()),
        "env": draw(st.dictionaries(st.sampled_from(["A", "LOG_LEVEL"]), st.text(max_size=20))),
        "labels": draw(
            st.dictionaries(NAMES, st.from_regex(r"[A-Za-z0-9]{0,9}", fullmatch=True), max_size=3)
        ),
    }
    for each in (
        GPU,
        POOL,
        GOOGLE,
        {"domain": "api.example.com"},
        {"min_available": draw(st.integers(0, 6))},
    ):
        if draw(st.booleans()):
            args |= each
    return args


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(args=anything())
def test_what_is_not_refused_is_taken(args: dict[str, Any]) -> None:
    try:
        objects = objects_of(args)
    except ValueError:
        return
    assert broken_rules(objects) == []
    assert schema_faults(objects, ["1.30", "1.37"]) == []


@settings(max_examples=60)
@given(
    env=st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=5), min_size=1),
    other=st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=5), min_size=1),
)
def test_settings_have_one_name_exactly_while_they_are_the_same(
    env: dict[str, str], other: dict[str, str]
) -> None:
    if any("\0" in value for value in (*env.values(), *other.values())):
        return
    first, second = (one(objects_of({"env": each}), "ConfigMap") for each in (env, other))
    assert (first["metadata"]["name"] == second["metadata"]["name"]) == (first["data"] == second["data"])


def test_the_image_and_the_secret_only_flow_through() -> None:
    assert one(objects_of({}), "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
