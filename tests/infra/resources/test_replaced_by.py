"""The table of what forces a replacement, held against other sources."""

from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # pyright: ignore[reportMissingTypeStubs]

from slipway.infra.resources.row import Replacement
from slipway.infra.resources.table import TABLE, row_of

# CloudFormation's type, and where its update differs from the provider's: what it replaces and the provider
# changes, then what the provider replaces though CloudFormation has no such rule. Names are CloudFormation's.
AWS: dict[str, tuple[str, str, str]] = {
    "aws:appautoscaling/policy:Policy": ("ApplicationAutoScaling::ScalingPolicy", "ScalingTargetId", ""),
    "aws:appautoscaling/target:Target": ("ApplicationAutoScaling::ScalableTarget", "", ""),
    "aws:cloudwatch/logGroup:LogGroup": ("Logs::LogGroup", "", "LogGroupClass"),
    "aws:ec2/route:Route": ("EC2::Route", "", ""),
    "aws:ec2/routeTable:RouteTable": ("EC2::RouteTable", "", ""),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        "EC2::SubnetRouteTableAssociation",
        "RouteTableId",
        "GatewayId",
    ),
    "aws:ec2/securityGroup:SecurityGroup": ("EC2::SecurityGroup", "", ""),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "EC2::VPCEndpoint",
        "ServiceNetworkArn ResourceConfigurationArn DnsOptions/PrivateDnsPreference "
        "DnsOptions/PrivateDnsSpecifiedDomains",
        "",
    ),
    "aws:ecs/cluster:Cluster": ("ECS::Cluster", "", ""),
    "aws:ecs/service:Service": ("ECS::Service", "", "LaunchType DeploymentController"),
    "aws:iam/role:Role": ("IAM::Role", "", ""),
    "aws:iam/rolePolicy:RolePolicy": ("IAM::RolePolicy", "", ""),
    "aws:lb/listener:Listener": ("ElasticLoadBalancingV2::Listener", "", ""),
    "aws:lb/listenerRule:ListenerRule": ("ElasticLoadBalancingV2::ListenerRule", "", ""),
    "aws:lb/loadBalancer:LoadBalancer": ("ElasticLoadBalancingV2::LoadBalancer", "", "CustomerOwnedIpv4Pool"),
    "aws:lb/targetGroup:TargetGroup": ("ElasticLoadBalancingV2::TargetGroup", "", ""),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("Logs::MetricFilter", "", ""),
    "aws:rds/instance:Instance": (
        "RDS::DBInstance",
        "DBClusterIdentifier DBSubnetGroupName DBSystemId SourceRegion",
        "AvailabilityZone Engine RestoreToPointInTime SnapshotIdentifier",
    ),
    "aws:rds/parameterGroup:ParameterGroup": ("RDS::DBParameterGroup", "", ""),
    "aws:rds/subnetGroup:SubnetGroup": ("RDS::DBSubnetGroup", "", ""),
    "aws:secretsmanager/secret:Secret": ("SecretsManager::Secret", "", ""),
    "aws:ecr/repository:Repository": (
        "ECR::Repository",
        "EncryptionConfiguration/EncryptionType EncryptionConfiguration/KmsKey",
        "",
    ),
}
# The provider's word, where it is not CloudFormation's in another case.
WORDS = {
    "iamrole": "role",
    "internal": "scheme",
    "loadbalancertype": "type",
    "description": "groupdescription",
    "encryptionconfigurations": "encryptionconfiguration",
    "deploymentcontroller.type": "deploymentcontroller",
    "identifier": "dbinstanceidentifier",
    "username": "masterusername",
}


def own_word(name: str, cloud_type: str) -> str:
    known = {each.lower() for each in create_only(cloud_type)}
    word = name.lower() if name.lower() in known else WORDS.get(name.lower(), name.lower())
    if word == "name":
        names = (
            "policyname",
            "filtername",
            "dbsubnetgroupname",
            "dbparametergroupname",
            "loggroupname",
            "groupname",
            "clustername",
            "servicename",
            "rolename",
            "repositoryname",
        )
        return next((each for each in names if each in known), "name")
    if word == "role" and cloud_type.endswith("RolePolicy"):
        return "rolename"
    return word


def create_only(cloud_type: str) -> list[str]:
    found: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::{cloud_type}")
    schema: dict[str, list[str]] = found.schema
    return [path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", [])]


def replaced_by(type_: str) -> Replacement:
    row = row_of(type_)
    assert row is not None
    assert row.replaced_by is not None
    return row.replaced_by


@pytest.mark.parametrize("type_", sorted(AWS))
def test_a_row_of_aws_replaces_what_cloudformation_replaces(type_: str) -> None:
    cloud_type, only_there, only_here = AWS[type_]
    theirs = {name.lower() for name in create_only(cloud_type)} - {
        name.lower() for name in only_there.split()
    }
    properties = [name for name in replaced_by(type_).properties if name != "region"]
    ours = {own_word(name, cloud_type) for name in properties if not name.endswith("Prefix")}
    assert ours - {name.lower() for name in only_here.split()} == theirs


def test_a_task_definition_is_replaced_by_everything_that_cloudformation_replaces_it_for() -> None:
    row = replaced_by("aws:ecs/taskDefinition:TaskDefinition")
    names = [name[0].lower() + name[1:] for name in create_only("ECS::TaskDefinition")]
    assert row.forced_by(names) == names
    assert row.forced_by(["tags", "tags.a", "skipDestroy"]) == []


def test_every_row_names_its_source() -> None:
    rows = {type_: row.replaced_by for type_, row in TABLE.items() if row.replaced_by}
    assert len(rows) > 60
    assert [type_ for type_, row in rows.items() if not row.source] == []


@pytest.mark.parametrize(
    ("type_", "path", "forces"),
    [
        ("gcp:container/nodePool:NodePool", "nodeConfig.guestAccelerators.type", True),
        ("gcp:container/nodePool:NodePool", "nodeConfig.spot", True),
        ("gcp:container/nodePool:NodePool", "nodeConfig.machineType", False),
        ("gcp:container/nodePool:NodePool", "autoscaling.maxNodeCount", False),
        ("gcp:cloudrunv2/service:Service", "location", True),
        ("gcp:cloudrunv2/service:Service", "template.containers.image", False),
        ("aws:ecs/service:Service", "region", True),
        ("aws:ecs/service:Service", "desiredCount", False),
        ("aws:rds/instance:Instance", "storageEncrypted", True),
        ("aws:rds/instance:Instance", "dbSubnetGroupName", False),
        ("aws:rds/instance:Instance", "allocatedStorage", False),
        ("kubernetes:apps/v1:Deployment", "spec.selector.matchLabels.app", True),
        ("kubernetes:apps/v1:Deployment", "spec.template.spec", False),
        ("kubernetes:core/v1:ConfigMap", "data.A", True),
        ("kubernetes:acme.org/v1:Anything", "metadata.name", True),
        ("kubernetes:acme.org/v1:Anything", "spec.a", False),
        ("random:index/randomPassword:RandomPassword", "length", True),
        ("docker-build:index:Image", "buildArgs.REVISION", False),
    ],
)
def test_a_property_forces_a_replacement_or_does_not(type_: str, path: str, forces: bool) -> None:
    assert bool(replaced_by(type_).forced_by([path])) is forces
