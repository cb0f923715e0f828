"""Makes what a program registers in moto, a simulation of AWS in this process, one after the other.

Each resource answers with what moto made up, so that a later one names the earlier as it would in a cloud.
"""

import re
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import resource_pb2

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import run
from tests.contract.cloud import Cloud
from tests.contract.fargate_api import Call, calls_of

REGION = "eu-west-1"
# Operation -> the outputs of what it made, and where its answer says them.
_MADE: Mapping[str, Mapping[str, str]] = {
    "CreateVpc": {"id": "Vpc.VpcId"},
    "CreateSubnet": {"id": "Subnet.SubnetId"},
    "CreateInternetGateway": {"id": "InternetGateway.InternetGatewayId"},
    "CreateRouteTable": {"id": "RouteTable.RouteTableId"},
    "CreateSecurityGroup": {"id": "GroupId"},
    "CreateVpcEndpoint": {"id": "VpcEndpoint.VpcEndpointId"},
    "CreateLoadBalancer": {
        "id": "LoadBalancers.0.LoadBalancerArn",
        "arn": "LoadBalancers.0.LoadBalancerArn",
        "dnsName": "LoadBalancers.0.DNSName",
    },
    "CreateTargetGroup": {"id": "TargetGroups.0.TargetGroupArn", "arn": "TargetGroups.0.TargetGroupArn"},
    "CreateListener": {"id": "Listeners.0.ListenerArn", "arn": "Listeners.0.ListenerArn"},
    "CreateRepository": {"repositoryUrl": "repository.repositoryUri"},
    "CreateCluster": {"id": "cluster.clusterArn", "arn": "cluster.clusterArn"},
    "RegisterTaskDefinition": {"arn": "taskDefinition.taskDefinitionArn"},
    "CreateService": {"id": "service.serviceArn", "arn": "service.serviceArn"},
    "CreateRole": {"arn": "Role.Arn"},
    "CreateSecret": {"id": "ARN", "arn": "ARN"},
    "PutSecretValue": {"versionId": "VersionId"},
    "PutScalingPolicy": {"arn": "PolicyARN"},
    "CreateDBInstance": {"id": "DBInstance.DbiResourceId", "address": "DBInstance.Endpoint.Address"},
}
# `arnSuffix`, of which metrics are named, is the last part of the ARN.
_SUFFIX = re.compile(r".*:(?:loadbalancer/(app/.+)|(targetgroup/.+))")


def _at(answer: Any, path: str) -> Any:
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer


def client(service: str) -> Any:
    untyped: Any = boto3
    return untyped.client(service, region_name=REGION)


class Simulation(Cloud):
    """To be used within moto.mock_aws. Raises botocore's ClientError where moto refuses a call."""

    def __init__(self) -> None:
        super().__init__("demo", "dev")
        self._one_at_a_time = threading.Lock()
        self._client = cache(client)

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802 Pulumi's name
        response = super().RegisterResource(request)
        resource = self.recorded[response.urn]
        made: dict[str, Any] = {}
        with self._one_at_a_time:
            for call in calls_of(resource.type, resource.inputs):
                made |= self._make(call, made)
        if not made:
            return response
        outputs = Struct()
        outputs.update({**dict(response.object.items()), **made})
        return resource_pb2.RegisterResourceResponse(
            urn=response.urn, id=str(made.get("id", response.id)), object=outputs
        )

    def _make(self, call: Call, before: Mapping[str, Any]) -> dict[str, Any]:
        """Make the call and return the result; `made` in it is replaced by the previous call's."""
        params = {key: before["id"] if value == "made" else value for key, value in call.params.items()}
        api = self._client(call.service)
        names = {operation: method for method, operation in api.meta.method_to_api_mapping.items()}
        answer = getattr(api, names[call.operation])(**params)
        made = {name: _at(answer, path) for name, path in _MADE.get(call.operation, {}).items()}
        if suffix := _SUFFIX.fullmatch(str(made.get("arn"))):
            made["arnSuffix"] = suffix[1] or suffix[2]
        return made


def simulate(program: Callable[[], None]) -> dict[str, Any]:
    """Run `program` as an update; the stack's outputs. Where AWS has what it made, clients can ask."""
    return run(program, StackConfig("demo", "dev", {}, frozenset(), {}), Simulation(), preview=False)
