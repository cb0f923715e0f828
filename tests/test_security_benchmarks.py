"""docs/guides/security-benchmarks.md lists the controls that are red by default, and what turns them green.

What a control demands is written down here from the benchmarks: docs.aws.amazon.com/securityhub, the controls
of each service; CIS GKE 1.6.0 as github.com/aquasecurity/kube-bench has it in cfg/gke-1.6.0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import at
from tests.checkout import ROOT
from tests.stacks.targets import fargate_container, planned

GUIDE = (ROOT / "docs/guides/security-benchmarks.md").read_text()
IsGreen = Callable[[Plan], bool]
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-0000-0000-000000000000"


def inputs(plan: Plan, type_: str) -> list[Mapping[str, Any]]:
    return [resource.inputs for resource in plan.resources if resource.type == type_]


def every(type_: str, *path: str | int, value: Any = True) -> IsGreen:
    """Return whether all resources of a type have this value; there must be one."""

    def is_green(plan: Plan) -> bool:
        found = [at(each, *path) for each in inputs(plan, type_)]
        return bool(found) and all(value(each) if callable(value) else each == value for each in found)

    return is_green


def is_off(given: Any) -> bool:
    return not given


def is_on(given: Any) -> bool:
    return given != "disabled"


def made(type_: str) -> IsGreen:
    return lambda plan: bool(inputs(plan, type_))


def endpoint(service: str) -> IsGreen:
    """Return whether the new network has an interface endpoint."""
    names = "aws:ec2/vpcEndpoint:VpcEndpoint"
    return lambda plan: any(each["serviceName"].endswith(f".{service}") for each in inputs(plan, names))


def redirects(plan: Plan) -> bool:
    plain = [each for each in inputs(plan, "aws:lb/listener:Listener") if each["protocol"] == "HTTP"]
    return all(each["defaultActions"][0]["type"] == "redirect" for each in plain)


def scans(plan: Plan) -> bool:
    api = "containerscanning.googleapis.com"
    return api in {each["service"] for each in inputs(plan, "gcp:projects/service:Service")}


CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
BALANCER, REPOSITORY = "aws:lb/loadBalancer:LoadBalancer", "aws:ecr/repository:Repository"
FARGATE: Mapping[str, IsGreen] = {
    "ECS.2": every("aws:ecs/service:Service", "networkConfiguration", "assignPublicIp", value=is_off),
    "ECS.5": lambda plan: fargate_container(plan)["readonlyRootFilesystem"] is True,
    "ECS.9": lambda plan: "logConfiguration" in fargate_container(plan),
    "ECS.12": every("aws:ecs/cluster:Cluster", "settings", 0, "value", value=is_on),
    "ELB.1": redirects,
    "ELB.4": every(BALANCER, "dropInvalidHeaderFields"),
    "ELB.5": every(BALANCER, "accessLogs", "enabled"),
    "ELB.6": every(BALANCER, "enableDeletionProtection"),
    "EC2.2": every("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "ingress", value=is_off),
    "EC2.6": made("aws:ec2/flowLog:FlowLog"),
    "CIS 3.7": made("aws:ec2/flowLog:FlowLog"),
    "EC2.10": endpoint("ec2"),
    "EC2.15": every("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", value=is_off),
    "EC2.55": endpoint("ecr.api"),
    "EC2.56": endpoint("ecr.dkr"),
    "ECR.1": every(REPOSITORY, "imageScanningConfiguration", "scanOnPush"),
    "ECR.2": every(REPOSITORY, "imageTagMutability", value="IMMUTABLE"),
    "ECR.3": made("aws:ecr/lifecyclePolicy:LifecyclePolicy"),
    "SecretsManager.1": made("aws:secretsmanager/secretRotation:SecretRotation"),
    "SecretsManager.4": made("aws:secretsmanager/secretRotation:SecretRotation"),
}
GKE: Mapping[str, IsGreen] = {
    "5.1.1": scans,
    "5.2.1": every(POOL, "nodeConfig", "serviceAccount", value=bool),
    "5.2.2": every(CLUSTER, "workloadIdentityConfig", "workloadPool", value=bool),
    "5.3.1": every(CLUSTER, "databaseEncryption", "state", value="ENCRYPTED"),
    "5.4.1": every(POOL, "nodeConfig", "workloadMetadataConfig", "mode", value="GKE_METADATA"),
    "5.5.1": every(POOL, "nodeConfig", "imageType", value="COS_CONTAINERD"),
    "5.5.2": every(POOL, "management", "autoRepair"),
    "5.5.3": every(POOL, "management", "autoUpgrade"),
    "5.5.4": every(CLUSTER, "releaseChannel", "channel", value=bool),
    "5.5.5": every(CLUSTER, "enableShieldedNodes"),
    "5.5.6": every(POOL, "nodeConfig", "shieldedInstanceConfig", "enableIntegrityMonitoring"),
    "5.5.7": every(POOL, "nodeConfig", "shieldedInstanceConfig", "enableSecureBoot"),
    "5.6.1": every(CLUSTER, "enableIntranodeVisibility"),
    "5.6.2": every(CLUSTER, "networkingMode", value="VPC_NATIVE"),
    "5.6.3": every(CLUSTER, "masterAuthorizedNetworksConfig", "cidrBlocks", value=bool),
    "5.6.4": every(CLUSTER, "privateClusterConfig", "enablePrivateEndpoint"),
    "5.6.5": every(CLUSTER, "privateClusterConfig", "enablePrivateNodes"),
    "5.7.1": every(CLUSTER, "loggingConfig", "enableComponents", value=bool),
    "5.8.2": every(CLUSTER, "authenticatorGroupsConfig", "securityGroup", value=bool),
    "5.8.3": every(CLUSTER, "enableLegacyAbac", value=is_off),
    "5.9.2": every(POOL, "nodeConfig", "bootDiskKmsKey", value=bool),
    "5.10.2": every(CLUSTER, "enableKubernetesAlpha", value=is_off),
    "5.10.4": every(CLUSTER, "binaryAuthorization", "evaluationMode", value=bool),
    "5.10.5": every(CLUSTER, "securityPostureConfig", "mode", value=bool),
}
# Red only with a model in a bucket.
SOMETIMES = {"ECS.20"}
STANDARDS = {"fargate": FARGATE, "gke": GKE}
GPU = {
    "gpu": "nvidia-l4",
    "cpu": "2",
    "memory": "8Gi",
    "model": f"gs://acme/model@{'1' * 16}",
    "image": f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:{'0' * 64}",
}


def listed(target: str) -> dict[str, str]:
    """Map each control of the target's table to the cell of its setting."""
    heading = {"fargate": "## Fargate", "gke": "## GKE"}[target]
    section = GUIDE.split(heading)[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    return {control: row[3] for row in rows for control in row[0].split(", ")}


@pytest.mark.parametrize("target", STANDARDS)
def test_the_guide_lists_what_is_red_by_default_and_nothing_else(target: str) -> None:
    plan = planned(target)
    red = {control for control, is_green in STANDARDS[target].items() if not is_green(plan)}
    assert red == listed(target).keys() - SOMETIMES


@pytest.mark.parametrize(
    ("target", "controls", "values"),
    [
        ("fargate", ["ECS.2", "EC2.55", "EC2.56"], {"egress": "endpoints"}),
        ("fargate", ["ECS.12"], {"containerInsights": "enabled"}),
        ("fargate", ["ELB.1"], {"domain": "api.example.com", "certificate": CERTIFICATE}),
        ("gke", ["5.6.3"], {"controlPlaneCidrs": '["203.0.113.0/24"]'}),
    ],
)
def test_its_setting_turns_a_control_green(
    target: str, controls: Sequence[str], values: dict[str, str]
) -> None:
    plan = planned(target, **values)
    for control in controls:
        assert STANDARDS[target][control](plan)
        named = re.findall(r"`([A-Za-z]+)", listed(target)[control])
        assert set(values) <= set(named), listed(target)[control]


@pytest.mark.parametrize(
    ("control", "key", "value"), [("5.5.2", "flexStart", "true"), ("5.5.7", "gpuDriver", "none")]
)
def test_a_setting_turns_a_control_red_as_the_guide_says(control: str, key: str, value: str) -> None:
    assert GKE[control](planned("gke", **GPU))
    assert not GKE[control](planned("gke", **GPU, **{key: value}))
    assert f"`{key}: {value}`" in GUIDE
