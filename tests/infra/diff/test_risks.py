"""Each rule of risk, on the smallest change that wakes it and on one that does not."""

from collections.abc import Mapping
from typing import Any

import pytest

from slipway.infra.diff.model import Action
from slipway.infra.diff.risks import RULES, risks_of
from tests.infra.diff.plans import SERVICE, changed, difference, resource, risks, side, urn_of

RUN = "gcp:cloudrunv2/service:Service"
POOL, CLUSTER = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"
INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
SECRET_GRANT = "gcp:secretmanager/secretIamMember:SecretIamMember"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
SECRET, VERSION = "gcp:secretmanager/secret:Secret", "gcp:secretmanager/secretVersion:SecretVersion"
PASSWORD = "random:index/randomPassword:RandomPassword"
IMAGE = "docker-build:index:Image"
LOG = "aws:cloudwatch/logGroup:LogGroup"
K8S_SERVICE, DEPLOYMENT = "kubernetes:core/v1:Service", "kubernetes:apps/v1:Deployment"
VPC = "aws:ec2/vpc:Vpc"

Inputs = Mapping[str, Any]
GPU = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4"}], "machineType": "g2-standard-4"}}
T4 = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-tesla-t4"}], "machineType": "g2-standard-4"}}
CPU_POOL = {"nodeConfig": {"machineType": "e2-standard-2"}, "location": "a"}
OPEN, CLOSED = {"spec": {"type": "LoadBalancer"}}, {"spec": {"type": "ClusterIP"}}
COMPONENT = {"min_replicas": 1, "max_replicas": 3, "model": "bundled:sms-spam", "task": "classify", "cpu": 1}


def service(**inputs: Any) -> Inputs:
    return {**COMPONENT, "memory_gib": 2, **inputs}


CHANGES: list[tuple[str, Inputs | None, Inputs | None, str, str]] = [
    (POOL, GPU, T4, "high", "replaces the GPU node pool x: its pods stop"),
    (POOL, CPU_POOL, {**CPU_POOL, "location": "b"}, "high", "replaces the node pool x: its pods stop"),
    (POOL, GPU, None, "high", "deletes the GPU node pool x: its pods stop"),
    (
        POOL,
        CPU_POOL,
        {**CPU_POOL, "nodeConfig": {"machineType": "e2-standard-4"}},
        "medium",
        "makes the nodes of x anew, one after the other: each one's pods move",
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
        "turns the deletion protection of x off",
    ),
    (
        REPOSITORY,
        {"deletionPolicy": "PREVENT"},
        {"deletionPolicy": "DELETE"},
        "high",
        "turns the deletion protection of x off",
    ),
    (
        PASSWORD,
        {"length": 32},
        {"length": 40},
        "high",
        "rotates the API key: callers that have the old one are refused",
    ),
    (INVOKER, None, {"member": "allUsers", "role": "r"}, "high", "opens the service to the internet"),
    (INVOKER, None, {"member": "user:a@b.c", "role": "r"}, "medium", "gives r to user:a@b.c"),
    (
        SECRET_GRANT,
        None,
        {"member": "[unknown]", "role": "r"},
        "medium",
        "gives r to a value that is not known yet",
    ),
    (
        INGRESS,
        {"cidrIpv4": "10.0.0.0/8"},
        {"cidrIpv4": "0.0.0.0/0"},
        "high",
        "opens the service to the internet",
    ),
    (BALANCER, {"internal": True}, {"internal": False}, "high", "opens the service to the internet"),
    (
        RUN,
        {"ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY"},
        {"ingress": "INGRESS_TRAFFIC_ALL"},
        "high",
        "opens the service to the internet",
    ),
    (K8S_SERVICE, CLOSED, OPEN, "high", "opens the service to the internet"),
    (SERVICE, service(public=False), service(public=True), "high", "opens the service to the internet"),
    (
        SERVICE,
        service(public=True),
        service(public=False),
        "medium",
        "closes the service to the internet: callers need a grant",
    ),
    (
        SERVICE,
        service(certificate_arn="a"),
        service(),
        "high",
        "turns HTTPS off: keys and texts travel in the clear",
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
        "lets the service scale to zero (before: at least 1)",
    ),
    (SERVICE, service(min_replicas=2), service(), "medium", "lowers the least instances from 2 to 1"),
    (SERVICE, service(), service(max_replicas=2), "medium", "lowers the most instances from 3 to 2"),
    (SERVICE, service(), service(max_replicas=9), "low", "raises the most instances from 3 to 9"),
    (SERVICE, service(cpu=2), service(), "medium", "lowers the vCPU of an instance from 2 to 1"),
    (
        SERVICE,
        service(),
        service(model="bundled:b"),
        "medium",
        "serves another model: bundled:sms-spam becomes bundled:b",
    ),
    (
        SERVICE,
        service(spot_percent=0),
        service(spot_percent=50),
        "medium",
        "puts 50 % of the further instances on Spot (before: 0 %)",
    ),
    (
        SERVICE,
        service(request_timeout_seconds=60),
        service(request_timeout_seconds=5),
        "medium",
        "lowers the time that a request may take from 60 to 5 s",
    ),
    (
        SERVICE,
        service(image_ref="a@sha256:1"),
        service(image_ref="a@sha256:2"),
        "medium",
        "runs another image",
    ),
    (SERVICE, service(), None, "high", "removes x and all that is in it"),
    (IMAGE, {"buildArgs": {"A": "1"}}, {"buildArgs": {"A": "2"}}, "medium", "rebuilds the image"),
    (LOG, {"retentionInDays": 30}, {"retentionInDays": 7}, "medium", "keeps the log 7 days instead of 30"),
    (
        RUN,
        {"template": {"livenessProbe": {"a": 1}}},
        {"template": {}},
        "high",
        "takes the livenessProbe of x away",
    ),
    (
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": "a", "role": "r"},
        {"policy": "b", "role": "r"},
        "medium",
        "changes what r may do",
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
        (K8S_SERVICE, CLOSED, {**OPEN, "metadata": {"annotations": {"cloud.google.com/lb": "Internal"}}}),
        (INGRESS, None, {"cidrIpv4": "10.0.0.0/8"}),
        (SERVICE, service(public=True), service(public=True, memory_gib=4)),
    ],
)
def test_what_is_not_opened_further_is_not_said_to_be(
    type_: str, before: Inputs | None, after: Inputs
) -> None:
    assert not [text for _, text in risks(changed(type_, before, after)) if "internet" in text]


def test_the_worst_stands_first() -> None:
    before = side(resource(RUN, "svc", {"location": "a"}), resource(SERVICE, "api", service(public=False)))
    after = side(
        resource(RUN, "svc", {"location": "b"}),
        resource(SERVICE, "api", service(public=True, max_replicas=9)),
    )
    levels = [level for level, _ in risks(difference(before, after))]
    assert levels == sorted(levels, key=["high", "medium", "low"].index)
    assert risks(difference(before, after))[0] == ("high", "opens the service to the internet")


def test_a_removed_stack_is_said_to_stay_in_the_cloud() -> None:
    diff = difference(side(resource(RUN, "svc", {}), resource(CLUSTER, "c", {})), None)
    [risk] = risks_of(diff)
    assert risk.text == "removes the stack dev, of 2 resources"
    assert "pulumi destroy --stack dev" in risk.detail


def test_a_new_stack_is_said_to_be_new_and_open_where_it_is() -> None:
    diff = difference(None, side(resource(RUN, "svc", {}), resource(SERVICE, "api", service(public=True))))
    assert risks(diff) == [
        ("medium", "makes a service that is open to the internet"),
        ("low", "adds the stack dev, of 1 resource"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"secrets.A": "1"}, ("medium", "adds the secret A")),
        ({"secrets.A": "1"}, {}, ("medium", "takes the secret A away from the service")),
        (
            {"secrets.A": "1"},
            {"secrets.A": "2"},
            ("medium", "changes the secret A: the service starts anew with it"),
        ),
        (
            {"apiKey": "1"},
            {"apiKey": "2"},
            ("high", "rotates the API key: callers that have the old one are refused"),
        ),
    ],
)
def test_a_changed_secret_of_the_stack_file_is_said(
    before: dict[str, str], after: dict[str, str], said: tuple[str, str]
) -> None:
    one = resource(RUN, "svc", {})
    assert said in risks(difference(side(one, ciphers=before), side(one, ciphers=after)))


def test_renamed_resources_are_said_once_with_what_an_alias_would_keep() -> None:
    before = side(
        resource(VPC, "old-a", {"tags": {"t": "1"}}),
        resource(SECRET, "old-b", {"secretId": "s1", "p": 1, "q": 2}),
    )
    after = side(
        resource(VPC, "new-a", {"tags": {"t": "1"}}),
        resource(SECRET, "new-b", {"secretId": "s2", "p": 1, "q": 2}),
    )
    [risk] = [risk for risk in risks_of(difference(before, after)) if "without an alias" in risk.text]
    assert "replaces 2 resources" in risk.text
    assert "keeps 1 of them" in risk.detail


def test_a_service_that_is_deleted_before_its_successor_is_said_to_stay_away_where_that_fails() -> None:
    inputs = ({"metadata": {"namespace": namespace}} for namespace in ("a", "b"))
    sides = [side(resource(DEPLOYMENT, "x", each, delete_before_replace=True)) for each in inputs]
    [risk] = risks_of(difference(*sides))
    assert risk.detail == (
        "Forced by metadata.namespace. The old one is deleted first: "
        "if the new one does not get ready, there is none until the change is taken back."
    )


def test_another_cluster_replaces_all_that_is_in_it() -> None:
    provider, objects = "pulumi:providers:kubernetes", {"metadata": {"name": "x"}}
    sides = [
        side(
            resource(provider, "p", {"clusterIdentifier": cluster}),
            resource(DEPLOYMENT, "x", objects, provider=urn_of(provider, "p")),
        )
        for cluster in ("a", "b")
    ]
    diff = difference(*sides)
    assert [(change.name, change.action, change.forced_by) for change in diff.resources[:2]] == [
        ("x", Action.REPLACE, ("another provider",)),
        ("p", Action.REPLACE, ("clusterIdentifier",)),
    ]


def test_an_identifier_that_a_cluster_gets_for_the_first_time_replaces_nothing() -> None:
    diff = changed("pulumi:providers:kubernetes", {}, {"clusterIdentifier": "a"})
    assert "replace" not in diff.counts()


def test_a_node_pool_that_only_grows_stops_nothing() -> None:
    before, after = {**GPU, "autoscaling": {"maxNodeCount": 3}}, {**GPU, "autoscaling": {"maxNodeCount": 5}}
    assert risks(changed(POOL, before, after)) == []


def test_what_follows_a_new_image_is_a_rollout() -> None:
    image = urn_of(IMAGE, "image")
    sides = [
        side(
            resource(IMAGE, "image", {"buildArgs": {"A": value}}),
            resource(DEPLOYMENT, "pods", {"spec": "[unknown]"}, uses={"spec": (image,)}),
        )
        for value in ("1", "2")
    ]
    assert risks(difference(*sides)) == [
        ("medium", "rebuilds the image"),
        ("low", "rolls out a new revision of pods"),
    ]


def test_every_rule_is_woken_by_a_test() -> None:
    woken = {
        rule.__name__
        for type_, before, after, *_ in CHANGES
        for rule in RULES
        if list(rule(changed(type_, before, after)))
    }
    others = {"stack_gone", "stack_new", "secrets", "renames"}  # the tests above
    assert {rule.__name__ for rule in RULES} - woken <= others
