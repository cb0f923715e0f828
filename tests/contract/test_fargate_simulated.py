"""A simulated AWS creates the whole stack."""

from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from moto import mock_aws

from slipway.components.fargate import FargateService, names
from slipway.components.image import InferenceImage, Registry
from tests.contract.fargate_cases import (
    IMAGE,
    PLAIN,
    RIGHT,
)
from tests.contract.fargate_services import EVERYTHING
from tests.contract.simulated_aws import client, simulate


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # it would read a list of images for seconds
    with mock_aws():
        yield


def simulated_service(**args: Any) -> dict[str, Any]:
    """Create a stack with a repository and a service in moto, and return its outputs."""

    def program() -> None:
        InferenceImage("api-image", {"registry": Registry.ECR, "region": "eu-west-1", "image": IMAGE})
        service = FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("url", service.url)

    return simulate(program)


@pytest.mark.usefixtures("simulated")
def test_a_simulated_cloud_makes_the_whole_stack() -> None:
    certificate = client("acm").request_certificate(DomainName="api.example.com")["CertificateArn"]
    outputs = simulated_service(**{**EVERYTHING, "certificate_arn": certificate})
    assert outputs["url"] == "https://api.example.com"
    ecs, balancing, scaling = client("ecs"), client("elbv2"), client("application-autoscaling")
    [service] = ecs.describe_services(cluster="api", services=["api"])["services"]
    task = ecs.describe_task_definition(taskDefinition="api")["taskDefinition"]
    assert service["status"] == "ACTIVE"
    assert service["taskDefinition"] == task["taskDefinitionArn"]
    [group] = balancing.describe_target_groups()["TargetGroups"]
    assert service["loadBalancers"][0]["targetGroupArn"] == group["TargetGroupArn"]
    assert group["LoadBalancerArns"] == [
        balancer["LoadBalancerArn"] for balancer in balancing.describe_load_balancers()["LoadBalancers"]
    ]
    subnets = {subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]}
    assert subnets.issuperset(service["networkConfiguration"]["awsvpcConfiguration"]["subnets"])
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == ("service/api/api", 1, 3)
    assert len(scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]) == 2
    assert len(scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]) == 1
    assert [r["repositoryName"] for r in client("ecr").describe_repositories()["repositories"]] == [
        "api-image"
    ]
    [server] = [one for one in task["containerDefinitions"] if one["essential"]]
    [key] = [secret for secret in server["secrets"] if secret["name"] == "MODEL_API_KEY"]
    found = client("secretsmanager").get_secret_value(
        SecretId=key["valueFrom"].split(":::")[0], VersionId=key["valueFrom"].split(":::")[1]
    )
    assert found["SecretString"] == "[secret]"  # as the recording masks it
    assert (
        task["executionRoleArn"] == client("iam").get_role(RoleName="api-eu-west-1-execution")["Role"]["Arn"]
    )


@pytest.mark.usefixtures("simulated")
def test_the_simulation_refuses_what_does_not_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(name: str, port: int, which: str) -> str:
        return "a" * 40

    monkeypatch.setattr(names, "target_group_name", too_long)
    with pytest.raises(ClientError, match="32"):
        simulated_service()


@pytest.mark.usefixtures("simulated")
def test_the_simulation_refuses_a_certificate_that_is_not_there() -> None:
    with pytest.raises(ClientError, match="CertificateNotFound"):
        simulated_service(**RIGHT["HTTPS"])
