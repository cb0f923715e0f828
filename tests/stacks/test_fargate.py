"""The whole program of a `fargate` stack, planned without a cloud."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.components.fargate import FargateServiceArgs
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.preview import findings_of
from slipway.infra.preview.command import Shown
from slipway.infra.preview.document import document_of
from slipway.infra.preview.stack import StackPreview
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.stacks.settings.targets import keys
from tests.warned import warned as warned_of

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"target": "fargate", "region": "eu-west-1"}
DIGEST = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:{'0' * 64}"
REFERENCE = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub-Ab12Cd:::" + "a" * 32
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
LISTENER = (
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/0123456789abcdef/0123456789abcdef"
)
NETWORK = {
    "network": "vpc-0123456789abcdef0",
    "subnets": '["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]',
}
SECRET_KEYS = frozenset({"slipway:apiKey", "slipway:secrets"})


def config(**values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN, **values}.items()}
    return StackConfig("slipway", "prod", given, SECRET_KEYS, {})


def planned(**values: str) -> Plan:
    return plan_of(main, config(**values))


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == f"slipway-prod-{name}")


def refusal(**values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(**values)
    return str(caught.value)


def test_the_stack_exports_the_outputs_of_every_target() -> None:
    outputs = planned().outputs
    assert set(outputs) == {
        *("apiKey", "consoleUrl", "imageRef", "logsCommand", "serviceName", "url"),
        *("domainRecords", "loadBalancer"),
    }
    assert outputs["apiKey"] == "[secret]"
    assert outputs["serviceName"] == "slipway-prod"
    assert outputs["logsCommand"] == "aws logs tail /ecs/slipway-prod --follow --region eu-west-1"


def test_settings_reach_the_service() -> None:
    plan = planned(
        cpu="2",
        memory="4Gi",
        minInstances="2",
        maxInstances="7",
        timeout="90",
        spotPercent="50",
        ephemeralStorage="30Gi",
        logRetentionDays="7",
        containerInsights="enabled",
        architecture="arm64",
        schedule='{"morning": "cron(0 8 ? * MON-FRI *) 4-7 Europe/Berlin"}',
    )
    task = inputs(plan, "task")
    assert (task["cpu"], task["memory"], task["ephemeralStorage"]) == ("2048", "4096", {"sizeInGib": 30})
    assert task["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert inputs(plan, "image-build")["platforms"] == ["linux/arm64"]
    assert inputs(plan, "balancer")["idleTimeout"] == 100
    assert [item["weight"] for item in inputs(plan, "service")["capacityProviderStrategies"]] == [50, 50]
    assert (inputs(plan, "scaling")["minCapacity"], inputs(plan, "scaling")["maxCapacity"]) == (2, 7)
    assert inputs(plan, "morning-schedule")["scalableTargetAction"] == {"minCapacity": 4, "maxCapacity": 7}
    assert inputs(plan, "log")["retentionInDays"] == 7
    assert inputs(plan, "cluster")["settings"][0]["value"] == "enabled"


def test_who_may_call_and_how_are_handed_over() -> None:
    secure = {"domain": "api.example.com", "certificate": CERTIFICATE, "allowedCidrs": '["203.0.113.0/24"]'}
    plan = planned(**secure, internal="true")
    assert inputs(plan, "https-listener")["certificateArn"] == CERTIFICATE
    assert inputs(plan, "balancer-203.0.113.0/24-443-ingress")["cidrIpv4"] == "203.0.113.0/24"
    assert inputs(plan, "balancer")["internal"] is True
    assert plan.outputs["url"] == "[unknown]"


def test_requests_of_an_instance_do_not_scale_what_has_two_target_groups() -> None:
    said = refusal(rollout="canary", requestsPerInstance="3", maxInstances="5")
    assert "requestsPerInstance is 3 with `rollout` canary, which moves requests between two" in said
    assert "requests_per_replica" not in said


def test_an_existing_network_listener_and_cluster_are_used() -> None:
    plan = planned(
        **NETWORK,
        taskSubnets='["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]',
        listener=LISTENER,
        listenerSecurityGroup="sg-0123456789abcdef0",
        domain="api.example.com",
        cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/shared",
    )
    assert inputs(plan, "listener-rule")["listenerArn"] == LISTENER
    assert inputs(plan, "service")["cluster"].endswith("cluster/shared")
    network = inputs(plan, "service")["networkConfiguration"]
    assert network["subnets"] == ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
    assert not [
        r for r in plan.resources if r.type in ("aws:ec2/vpc:Vpc", "aws:lb/loadBalancer:LoadBalancer")
    ]


def test_zones_and_egress_shape_a_network_of_its_own() -> None:
    plan = planned(zones='["eu-west-1b", "eu-west-1c"]', egress="endpoints")
    names = {r.name for r in plan.resources}
    assert {"slipway-prod-private-eu-west-1b", "slipway-prod-public-eu-west-1c"} <= names
    assert "slipway-prod-secretsmanager-endpoint" in names


def test_another_memory_changes_the_task_and_leaves_the_image_alone() -> None:
    small = {r.name: r.inputs for r in planned(memory="2Gi").resources if r.custom}
    large = {r.name: r.inputs for r in planned(memory="4Gi").resources if r.custom}
    assert [name for name in small if small[name] != large[name]] == ["slipway-prod-task"]


def warned(**values: str) -> str:
    return "\n".join(warned_of(config(**values)))


def test_how_the_tasks_get_an_image_from_elsewhere_is_told() -> None:
    cluster = "arn:aws:ecs:eu-west-1:999999999999:cluster/shared"
    assert "no login" in warned(image=f"ghcr.io/acme/server@sha256:{'0' * 64}")
    assert "ECR of the account 123456789012, and the service in 999999999999" in warned(
        image=DIGEST, cluster=cluster
    )
    for built_or_own in (warned(), warned(cluster=cluster), warned(image=DIGEST)):
        assert "the image is in" not in built_or_own


def test_warnings_use_the_names_of_settings() -> None:
    said = warned(timeout="900")
    assert "by `timeout` the load balancer keeps idle connections for 910 s" in said
    assert "give `certificate` and `domain`" in said
    assert "give `allowedCidrs`, or `public`" in said
    assert "set `logRetentionDays` to 14 or less." in warned(env='{"PAYLOAD_SHARE": "0.01"}')


def test_a_given_image_is_run_and_none_is_built() -> None:
    plan = planned(image=DIGEST)
    assert plan.outputs["imageRef"] == DIGEST
    assert not [r.name for r in plan.resources if r.type == "docker-build:index:Image"]


def test_a_measured_model_is_scaled_by_requests_too_and_another_by_cpu_alone() -> None:
    tracking = inputs(planned(), "requests-scaling")["targetTrackingScalingPolicyConfiguration"]
    manifest = json.loads((ROOT / "service/models/sms-spam/manifest.json").read_text())
    per_minute = 0.7 * 60 * manifest["measured"]["texts_per_second"]
    assert tracking["targetValue"] == pytest.approx(per_minute, abs=1)
    unmeasured = planned(model="s3://models/spam@3sL4kqtJlcpXroDTDmJ")
    assert [r.name for r in unmeasured.resources if r.type == "aws:appautoscaling/policy:Policy"] == [
        "slipway-prod-cpu-scaling"
    ]


def test_a_model_in_a_bucket_is_read_by_the_tasks_role_and_its_client_is_in_the_image() -> None:
    plan = planned(model="s3://models/spam@3sL4kqtJlcpXroDTDmJ")
    assert "arn:aws:s3:::models/spam/*" in inputs(plan, "task-policy")["policy"]
    assert inputs(plan, "image-build")["buildArgs"]["BUCKETS"] == "1"


def test_no_secret_is_in_the_preview_and_each_reaches_the_service_by_reference() -> None:
    secrets = json.dumps({"HF_TOKEN": "hf_a-real-value", "HUB": REFERENCE})
    plan = planned(apiKey="a-key-of-more-than-16-letters", secrets=secrets)
    shown = json.dumps(document_of(Shown([StackPreview(plan.stack, plan)])))
    assert "hf_a-real-value" not in shown
    assert "a-key-of-more-than-16-letters" not in shown
    kept = {r.name for r in plan.resources if r.type == "aws:secretsmanager/secret:Secret"}
    assert kept == {"slipway-prod-HF_TOKEN-secret", "slipway-prod-MODEL_API_KEY-secret"}


def test_an_encrypted_secret_is_planned_without_its_value() -> None:
    plan = planned(secrets=json.dumps({"HF_TOKEN": ENCRYPTED}))
    assert inputs(plan, "HF_TOKEN-version")["secretString"] == "[secret]"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"cpu": "1", "memory": "12Gi"},
            "memory is 12Gi with `cpu` 1; Fargate has no 1 vCPU with 12 GiB; "
            "nearest: 1 vCPU with 8 GiB, 2 vCPU with 12 GiB.",
        ),
        ({"cpu": "4"}, "memory is 2Gi, the default, with `cpu` 4; Fargate has no 4 vCPU with 2 GiB"),
        ({"cpu": "3", "memory": "12Gi"}, "cpu is 3 with `memory` 12 GiB; Fargate has no 3 vCPU"),
        ({"gpu": "nvidia-l4"}, "gpu is 'nvidia-l4'; Fargate has no GPU: take GKE, or Cloud Run"),
        ({"minInstances": "0"}, "minInstances is 0; a Fargate service does not scale to zero"),
        ({"certificate": CERTIFICATE}, "certificate is given without `domain`"),
        ({"domain": "api.example.com"}, "domain is api.example.com without `certificate`"),
        ({"zones": '["eu-west-1a"]'}, "zones is eu-west-1a"),
        ({**NETWORK, "subnets": '["subnet-0123456789abcdef0"]'}, "subnets has 1 subnet; it must have 2"),
        ({**NETWORK, "zones": '["eu-west-1a", "eu-west-1b"]'}, "zones is given with `network`, which is its"),
        (
            {**NETWORK, "listener": LISTENER, "domain": "api.example.com"},
            "listener is given without `listenerSecurityGroup`",
        ),
        ({"listenerSecurityGroup": "sg-0a1b2c3d"}, "listenerSecurityGroup is given without `listener`"),
        ({"allowedCidrs": '["10.0.0.1/8"]'}, "allowedCidrs has '10.0.0.1/8'; allowed are IPv4 networks"),
        ({"allowedCidrs": '["10.0.0.1/8"]'}, "Did you mean 10.0.0.0/8?"),
        ({"ephemeralStorage": "500Gi"}, "ephemeralStorage is 500Gi; Fargate includes 20 GiB and allows 21"),
        ({"ephemeralStorage": "500Gi"}, "whole GiB. Did you mean 200Gi?"),
        ({"logRetentionDays": "31"}, "logRetentionDays is 31; CloudWatch allows 0, 1, 3, 5"),
        ({"schedule": '{"a": "daily() 1-2"}'}, "schedule has 'a' with the schedule 'daily()'"),
        ({"schedule": '{"a": "rate(1 day) 3-2"}'}, "a minimum of 3 and a maximum of 2 instances"),
        ({"env": '{"AWS_EXECUTION_ENV": "1"}'}, "env has AWS_EXECUTION_ENV, which ECS itself sets"),
        ({"secrets": '{"AWS_EXECUTION_ENV": "1"}'}, "secrets has AWS_EXECUTION_ENV, which ECS itself sets"),
        ({"env": '{"DB_PASSWORD": "x"}'}, "env has DB_PASSWORD, which looks like a secret"),
        (
            {"cpu": "0.25", "memory": "512Mi", "model": "file:/nowhere"},
            "model is 'file:/nowhere', which is no folder here",
        ),
        ({"model": "s3://models/spam"}, "model is 's3://models/spam' without a version"),
        (
            {"secrets": json.dumps({"HUB": REFERENCE.partition(":::")[0] + ":::newest"})},
            "its version is none",
        ),
    ],
)
def test_what_fargate_would_not_run_is_refused_before_anything_is_registered(
    values: dict[str, str], said: str
) -> None:
    message = refusal(**values)
    assert said in message
    assert message.startswith("Stack prod: ")
    assert all(line.endswith("Fix it in Pulumi.prod.yaml.") for line in message.splitlines()[1:])
    assert not [name for name in FargateServiceArgs.__annotations__ if "_" in name and name in message]


def test_the_guide_quotes_what_is_said_and_names_settings_that_there_are() -> None:
    guide = (ROOT / "docs/guides/fargate.md").read_text()
    said = refusal(memory="12Gi").splitlines()[1].strip().replace("prod", "prod-aws")
    assert said in guide
    named = re.findall(r"pulumi config set --stack prod-aws (?:--secret )?(?:--path )?'?([A-Za-z]+)", guide)
    assert named
    assert set(named) <= set(keys())


def test_a_service_that_nobody_can_call_is_a_finding() -> None:
    found = findings_of(planned(), settings_from(config()))
    assert [one["severity"] for one in found if "no one can call" in one["title"]] == ["warning"]
    open_ = {"public": "true", "domain": "a.example.com", "certificate": CERTIFICATE, "observability": "off"}
    assert not findings_of(
        planned(**open_),
        settings_from(config(**open_)),
    )


def test_the_example_is_complete_protected_and_in_two_zones() -> None:
    example = stack_config(ROOT, "prod-aws")
    plan = plan_of(main, example)
    by_name = {r.name: r.inputs for r in plan.resources}
    assert by_name["slipway-prod-aws-balancer"]["enableDeletionProtection"] is True
    scaling = by_name["slipway-prod-aws-scaling"]
    assert (scaling["minCapacity"], scaling["maxCapacity"]) == (2, 10)
    zones = [r.inputs["availabilityZone"] for r in plan.resources if r.type == "aws:ec2/subnet:Subnet"]
    assert sorted(zones) == ["eu-west-1a", "eu-west-1b"]
    assert len(by_name["slipway-prod-aws-service"]["capacityProviderStrategies"]) == 2
