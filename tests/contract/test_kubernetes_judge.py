"""The rules of the judge fail on what they are for, and the schemas on what is misshapen.

What a test of the component fails on is missing here.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.contract.kubernetes_cases import EVERYTHING, RIGHT
from tests.contract.kubernetes_judge import broken_rules, schema_faults
from tests.contract.kubernetes_objects import objects_of


def set_at(kind: str, *path: Any, value: Any) -> Callable[[list[Any]], None]:
    def change(objects: list[Any]) -> None:
        at = next(found for found in objects if found["kind"] == kind)
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


def without(kind: str, *path: Any) -> Callable[[list[Any]], None]:
    def change(objects: list[Any]) -> None:
        at = next(found for found in objects if found["kind"] == kind)
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return change


POD = ("spec", "template", "spec")
SERVER = (*POD, "containers", 0)
HPA = "HorizontalPodAutoscaler"
BROKEN: list[tuple[str, Callable[[list[Any]], None]]] = [
    (
        "quantities are ones, above zero",
        set_at("Deployment", *SERVER, "resources", "limits", "memory", value="8 gigs"),
    ),
    (
        "quantities are ones, above zero",
        set_at("Deployment", *SERVER, "resources", "requests", "cpu", value="0"),
    ),
    (
        "requests are within limits",
        set_at("Deployment", *SERVER, "resources", "requests", "memory", value="1Ti"),
    ),
    ("ports are from 1 to 65535", set_at("Deployment", *SERVER, "ports", 0, "containerPort", value=99999)),
    ("ports are from 1 to 65535", set_at("Service", "spec", "ports", 0, "port", value=0)),
    ("what names a port finds one", set_at("Service", "spec", "ports", 0, "targetPort", value="web")),
    (
        "what names a port finds one",
        set_at("Deployment", *SERVER, "readinessProbe", "httpGet", "port", value=8081),
    ),
    ("selectors find the pods", set_at("Service", "spec", "selector", value={"app": "web"})),
    (
        "selectors find the pods",
        set_at("Deployment", "spec", "selector", "matchLabels", "tier", value="front"),
    ),
    ("selectors find the pods", set_at("PodDisruptionBudget", "spec", "selector", "matchLabels", value={})),
    ("names are DNS names", set_at("Service", "metadata", "name", value="1_api")),
    ("labels are labels", set_at("Deployment", "metadata", "labels", "team", value="a b")),
    ("labels are labels", set_at("Deployment", *POD, "nodeSelector", "a b", value="c")),
    ("the autoscaler fits its deployment", set_at(HPA, "spec", "scaleTargetRef", "name", value="web")),
    ("the budget lets a drain pass", set_at("PodDisruptionBudget", "spec", "minAvailable", value=1)),
    (
        "a rollout gets on",
        set_at("Deployment", "spec", "strategy", "rollingUpdate", value={"maxSurge": 0, "maxUnavailable": 0}),
    ),
    (
        "a pod's end is longer than its drain",
        set_at("Deployment", *POD, "terminationGracePeriodSeconds", value=60),
    ),
    (
        "the deadline is longer than a start",
        set_at("Deployment", "spec", "progressDeadlineSeconds", value=60),
    ),
    (
        "a probe ends before the next",
        set_at("Deployment", *SERVER, "livenessProbe", "timeoutSeconds", value=11),
    ),
    (
        "pods are restricted",
        set_at("Deployment", *SERVER, "securityContext", "readOnlyRootFilesystem", value=False),
    ),
    ("pods are restricted", set_at("Deployment", *SERVER, "securityContext", "runAsUser", value=0)),
    (
        "every volume is mounted and every mount is there",
        set_at("Deployment", *SERVER, "volumeMounts", 0, "name", value="temporary"),
    ),
    (
        "every volume is mounted and every mount is there",
        set_at("PersistentVolumeClaim", "metadata", "name", value="models"),
    ),
    (
        "the environment is there, and fixed",
        set_at("Deployment", *SERVER, "envFrom", 0, "configMapRef", "name", value="settings"),
    ),
    ("the environment is there, and fixed", set_at("ConfigMap", "immutable", value=False)),
    ("the environment is there, and fixed", set_at("ConfigMap", "data", "HF_TOKEN", value="x")),
    (
        "the ingress leads to the service",
        set_at("Ingress", "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name", value="web"),
    ),
    ("all are in one namespace", set_at("Service", "metadata", "namespace", value="default")),
    ("all are in one namespace", set_at("Namespace", "metadata", "name", value="other")),
    ("the identity is there", set_at("Deployment", *POD, "serviceAccountName", value="default")),
]


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_each_rule_of_the_judge_fails_on_what_it_is_for(
    rule: str, change: Callable[[list[Any]], None]
) -> None:
    objects: list[Any] = deepcopy(objects_of(EVERYTHING))
    assert broken_rules(objects) == []
    change(objects)
    assert rule in broken_rules(objects)


BY_QUEUE = RIGHT["KEDA by the queue of a GPU"]
ASLEEP = RIGHT["asleep when idle, on a domain"]
SCALED = "ScaledObject"
ROUTE = "InterceptorRoute"
OF_KEDA: list[tuple[str, Mapping[str, Any], Callable[[list[Any]], None]]] = [
    ("what KEDA scales is there", BY_QUEUE, set_at(SCALED, "spec", "scaleTargetRef", "name", value="web")),
    ("what KEDA scales is there", BY_QUEUE, set_at(SCALED, "spec", "minReplicaCount", value=4)),
    ("what KEDA scales is there", ASLEEP, set_at("Deployment", "spec", "replicas", value=0)),
    ("KEDA takes the triggers", BY_QUEUE, without(SCALED, "spec", "triggers", 0, "metadata", "query")),
    (
        "KEDA takes the triggers",
        BY_QUEUE,
        set_at(SCALED, "spec", "triggers", 0, "metadata", "threshold", value="0"),
    ),
    (
        "KEDA takes the triggers",
        BY_QUEUE,
        set_at(SCALED, "spec", "triggers", 0, "metadata", "serverAddress", value="prometheus:9090"),
    ),
    (
        "KEDA takes the triggers",
        BY_QUEUE,
        set_at(SCALED, "spec", "triggers", 0, "authenticationRef", "name", value="other"),
    ),
    (
        "KEDA takes the triggers",
        ASLEEP,
        set_at(SCALED, "spec", "triggers", 0, "metadata", "interceptorRoute", value="other"),
    ),
    ("KEDA takes the triggers", ASLEEP, without(SCALED, "spec", "triggers", 0)),
    ("KEDA takes the triggers", ASLEEP, without("Deployment", *SERVER, "resources", "requests", "cpu")),
    (
        "the interceptor's route leads to the pods",
        ASLEEP,
        set_at(ROUTE, "spec", "target", "service", value="api-proxy"),
    ),
    (
        "the interceptor's route leads to the pods",
        ASLEEP,
        set_at(ROUTE, "spec", "target", "portName", value="web"),
    ),
    (
        "the interceptor's route leads to the pods",
        ASLEEP,
        set_at(ROUTE, "spec", "rules", 0, "hosts", 0, value="api-proxy"),
    ),
]


@pytest.mark.parametrize(("rule", "args", "change"), OF_KEDA)
def test_each_rule_of_keda_fails_on_what_it_is_for(
    rule: str, args: Mapping[str, Any], change: Callable[[list[Any]], None]
) -> None:
    objects: list[Any] = deepcopy(objects_of(args))
    assert broken_rules(objects) == []
    change(objects)
    assert rule in broken_rules(objects)


@pytest.mark.parametrize(
    ("said", "args", "change"),
    [
        ("minReplicas", BY_QUEUE, set_at(SCALED, "spec", "minReplicas", value=1)),
        (
            "'sometimes' is not one of",
            BY_QUEUE,
            set_at(SCALED, "spec", "fallback", "behavior", value="sometimes"),
        ),
        (
            "8 is not of type",
            BY_QUEUE,
            set_at(SCALED, "spec", "triggers", 0, "metadata", "threshold", value=8),
        ),
        ("[] ", BY_QUEUE, set_at(SCALED, "spec", "triggers", value=[])),
        (
            "'google' is not one of",
            BY_QUEUE,
            set_at("TriggerAuthentication", "spec", "podIdentity", "provider", value="google"),
        ),
        ("was expected", ASLEEP, set_at(ROUTE, "apiVersion", value="http.keda.sh/v1alpha1")),
        ("0.5", ASLEEP, set_at(ROUTE, "spec", "scalingMetric", "concurrency", "targetValue", value=0.5)),
    ],
)
def test_the_schemas_of_keda_refuse_what_is_misshapen(
    said: str, args: Mapping[str, Any], change: Callable[[list[Any]], None]
) -> None:
    objects: list[Any] = deepcopy(objects_of(args))
    assert schema_faults(objects) == []
    change(objects)
    assert any(said in fault for fault in schema_faults(objects))


MISSHAPEN: list[tuple[str, Callable[[list[Any]], None]]] = [
    ("terminationGraceSeconds", set_at("Deployment", *POD, "terminationGraceSeconds", value=60)),
    ("'3' is not of type", set_at("Deployment", "spec", "replicas", value="3")),
    ("maxReplicas", without(HPA, "spec", "maxReplicas")),
    ("selector", without("Deployment", "spec", "selector")),
    ("port", without("Deployment", *SERVER, "livenessProbe", "httpGet", "port")),
]


@pytest.mark.parametrize(("said", "change"), MISSHAPEN)
def test_the_schemas_refuse_what_is_misshapen(said: str, change: Callable[[list[Any]], None]) -> None:
    objects: list[Any] = deepcopy(objects_of(EVERYTHING))
    change(objects)
    assert any(said in fault for fault in schema_faults(objects))
