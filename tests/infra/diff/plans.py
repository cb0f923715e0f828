"""Plans that are written down, to compare."""

from collections.abc import Mapping
from typing import Any

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackDiff, StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import Resource

ROOT = "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev"
SERVICE = "slipway:index:CloudRunService"
Entry = tuple[str, str, Mapping[str, Any]]


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::demo::{type_}::{name}"


def resource(type_: str, name: str, inputs: Mapping[str, Any], **fields: Any) -> Resource:
    custom = not type_.startswith("slipway:")
    dependencies = tuple(sorted({urn for urns in fields.get("uses", {}).values() for urn in urns}))
    return Resource(urn_of(type_, name), type_, name, ROOT, custom, inputs, dependencies, **fields)


def plan(*resources: Resource) -> Plan:
    stack = Resource(ROOT, "pulumi:pulumi:Stack", "demo-dev", None, False, {}, ())
    return Plan("demo", "dev", (stack, *resources), {})


def side(*resources: Resource, **fields: Any) -> StackSource:
    return StackSource(plan(*resources), **fields)


def difference(before: StackSource | None, after: StackSource | None) -> StackDiff:
    return difference_of("dev", before, after)


def changed(type_: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> StackDiff:
    """Of one resource, `x`, that is made, changed or gone."""
    sides = [side(*([] if each is None else [resource(type_, "x", each)])) for each in (before, after)]
    return difference(*sides)


def risks(diff: StackDiff) -> list[tuple[str, str]]:
    """Level and text of each, in order."""
    return [(risk.level.name.lower(), risk.text) for risk in risks_of(diff)]


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


def annotated(name: str, value: str) -> Inputs:
    return {"metadata": {"annotations": {name: value}}}
