"""Each rule of risk, on the smallest change that wakes it and on one that does not."""

from collections.abc import Mapping
from typing import Any

import pytest

from slipway.infra.diff.risks import RULES
from tests.infra.diff.plans import SERVICE, changed, risks

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
FARGATE = "slipway:index:FargateService"
LOG = "aws:cloudwatch/logGroup:LogGroup"
K8S_SERVICE, DEPLOYMENT = "kubernetes:core/v1:Service", "kubernetes:apps/v1:Deployment"
K8S_INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
VPC = "aws:ec2/vpc:Vpc"

Inputs = Mapping[str, Any]
GPU = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4"}], "machineType": "g2-standard-4"}}
T4 = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-tesla-t4"}], "machineType": "g2-standard-4"}}
CPU_POOL = {"nodeConfig": {"machineType": "e2-standard-2"}, "location": "a"}
OPEN, CLOSED = {"spec": {"type": "LoadBalancer"}}, {"spec": {"type": "ClusterIP"}}
COMPONENT = {"min_replicas": 1, "max_replicas": 3, "model": "bundled:sms-spam", "task": "classify", "cpu": 1}


def service(**inputs: Any) -> Inputs:
    return {**COMPONENT, "memory_gib": 2, **inputs}


NGINX = "nginx.ingress.kubernetes.io/"


def _annotated(name: str, value: str) -> Inputs:
    return {"metadata": {"annotations": {name: value}}}


CHANGES: list[tuple[str, Inputs | None, Inputs | None, str, str]] = [
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
        SERVICE,
        service(allowed_cidrs=["203.0.113.0/24"]),
        service(allowed_cidrs=["203.0.113.0/24", "128.0.0.0/1"]),
        "high",
        "opens the service to 0.5 of the internet: 128.0.0.0/1",
    ),
    (
        SERVICE,
        service(allowed_cidrs=["203.0.113.0/24"]),
        service(allowed_cidrs=["203.0.113.0/25", "10.0.0.0/8"]),
        "medium",
        "lets further networks reach the service: 10.0.0.0/8",
    ),
    (
        SERVICE,
        service(control_plane_cidrs=["203.0.113.0/24"]),
        service(control_plane_cidrs=[]),
        "high",
        "lets every network reach the control plane of the cluster",
    ),
    (
        SERVICE,
        service(allowed_namespaces=["shop"]),
        service(),
        "high",
        "lets the pods of every namespace call the service",
    ),
    (
        SERVICE,
        service(allowed_namespaces=["shop"]),
        service(allowed_namespaces=["shop", "jobs"]),
        "medium",
        "lets the pods of further namespaces call the service: jobs",
    ),
    (
        SERVICE,
        service(egress="endpoints"),
        service(egress="public-address"),
        "high",
        "gives every task a public address",
    ),
    (
        SERVICE,
        service(private_nodes=True),
        service(private_nodes=False),
        "high",
        "gives every node a public address",
    ),
    (
        SERVICE,
        service(invokers=["domain:acme.com"]),
        service(invokers=["domain:acme.com", "domain:gmail.com"]),
        "high",
        "lets everybody with an account of gmail.com call the service",
    ),
    (
        BALANCER,
        {"internal": False, "enableDeletionProtection": True},
        {"internal": True, "enableDeletionProtection": False},
        "high",
        "cannot delete x: its deletion protection is on in the cloud",
    ),
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
        service(public=False, invokers=["user:ada@example.com"]),
        "medium",
        "closes the service to the internet: callers need a grant",
    ),
    (
        SERVICE,
        service(public=True),
        service(public=False),
        "high",
        "closes the service to everyone who calls it now",
    ),
    (
        SERVICE,
        service(invokers=["user:ada@example.com"]),
        service(),
        "high",
        "closes the service to everyone who calls it now",
    ),
    (
        SERVICE,
        service(),
        service(plain_env=["CACHE_KEY"], env={"CACHE_KEY": "abc"}),
        "medium",
        "says that CACHE_KEY in the plain environment is no secret",
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
        service(tls_secret="tls"),
        service(),
        "high",
        "turns HTTPS off: keys and requests travel unencrypted",
    ),
    (
        SERVICE,
        service(domain="a.example.com"),
        service(domain="b.example.com"),
        "medium",
        "the domain a.example.com gives way to b.example.com: callers of that name fail",
    ),
    (SERVICE, service(), service(private_nodes=False), "high", "gives every node a public address"),
    (
        NETWORK_POLICY,
        {"spec": {}},
        None,
        "high",
        "deletes x: nothing limits who calls the pods, and whom they call",
    ),
    (
        K8S_INGRESS,
        _annotated(f"{NGINX}whitelist-source-range", "10.0.0.0/8"),
        {"metadata": {"annotations": {}}},
        "high",
        f"lets every network through the Ingress: `{NGINX}whitelist-source-range` is gone, which let in "
        "10.0.0.0/8",
    ),
    (
        K8S_INGRESS,
        _annotated(f"{NGINX}whitelist-source-range", "10.0.0.0/8"),
        {"metadata": {}},
        "high",
        f"lets every network through the Ingress: `{NGINX}whitelist-source-range` is gone, which let in "
        "10.0.0.0/8",
    ),
    (
        K8S_INGRESS,
        _annotated(f"{NGINX}whitelist-source-range", "10.0.0.0/8"),
        _annotated(f"{NGINX}whitelist-source-range", "10.1.0.0/16,52.0.0.0/8"),
        "high",
        "lets further networks through the Ingress: 52.0.0.0/8",
    ),
    (
        K8S_INGRESS,
        _annotated(f"{NGINX}auth-url", "https://login.example.com"),
        _annotated("other", "1"),
        "high",
        f"takes a guard off the Ingress: `{NGINX}auth-url`",
    ),
    (
        K8S_INGRESS,
        _annotated("alb.ingress.kubernetes.io/scheme", "internal"),
        _annotated("alb.ingress.kubernetes.io/scheme", "internet-facing"),
        "high",
        "gives the Ingress public addresses",
    ),
    (
        SERVICE,
        service(certificate_arn="a"),
        service(),
        "high",
        "turns HTTPS off: keys and requests travel unencrypted",
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
