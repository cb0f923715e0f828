"""Each rule of risk, on the smallest change that wakes it and on one that does not."""

import pytest

from slipway.infra.diff.risks import RULES
from slipway.infra.resources.google import WORKER_POOL
from tests.infra.diff.openings import OPENINGS
from tests.infra.diff.plans import (
    BALANCER,
    CLOSED,
    CLUSTER,
    CPU_POOL,
    FARGATE,
    GPU,
    IMAGE,
    INGRESS,
    K8S_SERVICE,
    LOG,
    OPEN,
    PASSWORD,
    POOL,
    REPOSITORY,
    RUN,
    SECRET,
    SERVICE,
    T4,
    VERSION,
    VPC,
    Inputs,
    changed,
    risks,
    service,
)

CHANGES: list[tuple[str, Inputs | None, Inputs | None, str, str]] = [
    *OPENINGS,
    (
        FARGATE,
        service(rollout="canary"),
        service(),
        "high",
        "leaves the target group that may have all tasks, and the service answers 503 until the end",
    ),
    (
        FARGATE,
        service(rollout="blue-green"),
        service(rollout="blue-green", certificate_arn="arn:aws:acm"),
        "high",
        "sends the requests of another listener to the target group that may have no task",
    ),
    (
        BALANCER,
        {"internal": False, "enableDeletionProtection": True},
        {"internal": True, "enableDeletionProtection": False},
        "high",
        "cannot delete x: its deletion protection is on in the cloud",
    ),
    (WORKER_POOL, {"location": "a"}, None, "medium", "deletes the workers x: jobs wait for others"),
    (
        RUN,
        {"deletionProtection": True},
        None,
        "high",
        "cannot delete x: its deletion protection is on in the cloud",
    ),
    (POOL, GPU, T4, "high", "replaces the GPU node pool x: its pods stop"),
    (POOL, CPU_POOL, {**CPU_POOL, "location": "b"}, "high", "replaces the node pool x: its pods stop"),
    (POOL, GPU, None, "high", "deletes the GPU node pool x: its pods stop"),
    (
        POOL,
        CPU_POOL,
        {**CPU_POOL, "nodeConfig": {"machineType": "e2-standard-4"}},
        "medium",
        "recreates the nodes of x one by one: their pods move",
    ),
    (
        CLUSTER,
        {"location": "a"},
        {"location": "b"},
        "high",
        "replaces the cluster x: everything that runs in it stops",
    ),
    (
        "pulumi:providers:kubernetes",
        {"clusterIdentifier": "a"},
        {"clusterIdentifier": "b"},
        "high",
        "moves all objects of x to another cluster, or another address of it",
    ),
    (
        "kubernetes:core/v1:Namespace",
        {"metadata": {"name": "a"}},
        {"metadata": {"name": "b"}},
        "high",
        "replaces the namespace x: all that is in it is deleted",
    ),
    (
        "kubernetes:serving.kserve.io/v1beta1:InferenceService",
        {"metadata": {"namespace": "a"}},
        {"metadata": {"namespace": "b"}},
        "high",
        "replaces the service x: calls fail until the new one is ready",
    ),
    (
        RUN,
        {"location": "a"},
        {"location": "b"},
        "high",
        "replaces the service x: calls fail until the new one is ready",
    ),
    (RUN, {"location": "a"}, None, "high", "deletes the service x: calls fail"),
    (
        RUN,
        {"template": {"timeout": "1s"}},
        {"template": {"timeout": "2s"}},
        "low",
        "rolls out a new revision of x",
    ),
    (REPOSITORY, {"location": "a"}, None, "high", "deletes the Repository x: what it holds is lost"),
    (SECRET, {"secretId": "a"}, {"secretId": "b"}, "high", "replaces the secret x: what it holds is lost"),
    (
        RUN,
        {"deletionProtection": True},
        {"deletionProtection": False},
        "high",
        "turns off the deletion protection of x",
    ),
    (
        REPOSITORY,
        {"deletionPolicy": "PREVENT"},
        {"deletionPolicy": "DELETE"},
        "high",
        "turns off the deletion protection of x",
    ),
    (
        PASSWORD,
        {"length": 32},
        {"length": 40},
        "high",
        "rotates the API key: callers that have the old one are refused",
    ),
    (
        SERVICE,
        service(),
        service(schedules=[{"name": "night", "max_replicas": 0, "schedule": "cron(0 22 * * ? *)"}]),
        "high",
        "stops the service by the schedule 'night'",
    ),
    (
        SERVICE,
        service(domain="a.example.com"),
        service(domain="b.example.com"),
        "medium",
        "the domain a.example.com gives way to b.example.com: callers of that name fail",
    ),
    (
        SERVICE,
        service(env={}),
        service(env={"DB_PASSWORD": "x"}),
        "high",
        "puts DB_PASSWORD into the plain environment",
    ),
    (
        SERVICE,
        service(memory_gib=4),
        service(memory_gib=2),
        "medium",
        "lowers the memory limit from 4 to 2 GiB",
    ),
    (SERVICE, service(memory_gib=2), service(memory_gib=4), "low", "raises the memory limit from 2 to 4 GiB"),
    (
        SERVICE,
        service(memory_gib=2),
        service(memory_gib=0.0625),
        "high",
        "lowers the memory limit below what the model needs with its margin, from 2 to 0.0625 GiB",
    ),
    (
        SERVICE,
        service(gpu="nvidia-l4"),
        service(gpu="nvidia-t4"),
        "high",
        "changes the GPU from nvidia-l4 to nvidia-t4",
    ),
    (SERVICE, service(gpu="nvidia-l4"), service(), "high", "changes the GPU from nvidia-l4 to none"),
    (
        SERVICE,
        service(),
        service(min_replicas=0),
        "medium",
        "lets the service scale to zero (minimum instances before: 1)",
    ),
    (SERVICE, service(min_replicas=2), service(), "medium", "lowers the minimum instances from 2 to 1"),
    (SERVICE, service(), service(max_replicas=2), "medium", "lowers the maximum instances from 3 to 2"),
    (SERVICE, service(), service(max_replicas=9), "low", "raises the maximum instances from 3 to 9"),
    (SERVICE, service(cpu=2), service(), "medium", "lowers the vCPU of an instance from 2 to 1"),
    (
        SERVICE,
        service(),
        service(model="bundled:b"),
        "medium",
        "changes the model from bundled:sms-spam to bundled:b",
    ),
    (
        SERVICE,
        service(spot_percent=0),
        service(spot_percent=50),
        "medium",
        "puts 50 % of the instances above the base on Spot (before: 0 %)",
    ),
    (
        SERVICE,
        service(request_timeout_seconds=60),
        service(request_timeout_seconds=5),
        "medium",
        "lowers the maximum time of a request from 60 to 5 s",
    ),
    (
        SERVICE,
        service(image_ref="a@sha256:1"),
        service(image_ref="a@sha256:2"),
        "medium",
        "changes the image",
    ),
    (SERVICE, service(), None, "high", "removes x and all that is in it"),
    (IMAGE, {"buildArgs": {"A": "1"}}, {"buildArgs": {"A": "2"}}, "medium", "rebuilds the image"),
    (
        LOG,
        {"retentionInDays": 30},
        {"retentionInDays": 7},
        "medium",
        "keeps the log for 7 days instead of 30",
    ),
    (
        RUN,
        {"template": {"livenessProbe": {"a": 1}}},
        {"template": {}},
        "high",
        "removes the livenessProbe of x",
    ),
    (
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": "a", "role": "r"},
        {"policy": "b", "role": "r"},
        "medium",
        "changes the permissions of the role r",
    ),
    (
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
        None,
        {"roleRef": {"name": "reader"}, "subjects": [{"name": "api"}]},
        "medium",
        "gives reader to api",
    ),
    (
        "kubernetes:rbac.authorization.k8s.io/v1:Role",
        {"rules": []},
        {"rules": [{"verbs": ["get"]}]},
        "medium",
        "changes the permissions that x grants",
    ),
    (VERSION, None, {"secretData": "[secret]"}, "medium", "adds the secret value x"),
    (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}, "medium", "replaces x (Vpc)"),
    (VPC, {"cidrBlock": "10.0.0.0/16"}, None, "medium", "deletes x (Vpc)"),
    ("acme:index:Thing", {"a": 1}, {"a": 2}, "medium", "changes x, of the unknown type acme:index:Thing"),
]


@pytest.mark.parametrize(("type_", "before", "after", "level", "text"), CHANGES)
def test_a_change_is_said_in_words(
    type_: str, before: Inputs | None, after: Inputs | None, level: str, text: str
) -> None:
    assert (level, text) in risks(changed(type_, before, after))


UNCHANGED: list[tuple[str, Inputs]] = [(type_, before) for type_, before, *_ in CHANGES if before]


@pytest.mark.parametrize(("type_", "inputs"), UNCHANGED)
def test_what_stays_as_it_is_has_no_risk(type_: str, inputs: Inputs) -> None:
    assert risks(changed(type_, inputs, inputs)) == []


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        (K8S_SERVICE, CLOSED, {"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}}),
        (
            K8S_SERVICE,
            CLOSED,
            {**OPEN, "metadata": {"annotations": {"networking.gke.io/load-balancer-type": "Internal"}}},
        ),
        (INGRESS, None, {"cidrIpv4": "10.0.0.0/8"}),
        (SERVICE, service(public=True), service(public=True, memory_gib=4)),
        (
            K8S_SERVICE,
            CLOSED,
            {
                **OPEN,
                "metadata": {
                    "annotations": {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
                },
            },
        ),
    ],
)
def test_what_is_not_opened_further_is_not_said_to_be(
    type_: str, before: Inputs | None, after: Inputs
) -> None:
    assert not [text for _, text in risks(changed(type_, before, after)) if "internet" in text]


def test_every_rule_is_woken_by_a_test() -> None:
    woken = {
        rule.__name__
        for type_, before, after, *_ in CHANGES
        for rule in RULES
        if list(rule(changed(type_, before, after)))
    }
    others = {"stack_gone", "stack_new", "another_project", "secrets", "renames"}  # in test_risks_together.py
    assert {rule.__name__ for rule in RULES} - woken <= others


def test_another_certificate_of_the_same_listener_moves_no_requests() -> None:
    before, after = (service(rollout="canary", certificate_arn=f"arn:aws:acm:{each}") for each in "ab")
    assert not any("listener" in text for _, text in risks(changed(FARGATE, before, after)))
