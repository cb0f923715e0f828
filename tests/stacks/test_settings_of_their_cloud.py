"""Settings that their cloud alone has arrive where it reads them; in the wrong company they are refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.components.kubernetes.registration import FORCED
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from
from tests.stacks.targets import GIVEN, IMAGES, config, inputs, planned, warned

_RUN_GPU = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "model": f"gs://acme/model@{'1' * 16}"}
_RUN_GPU["image"] = IMAGES["cloud-run"]


def refusal(target: str, **values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(target, **values)
    return str(caught.value)


def template(**values: str) -> Mapping[str, Any]:
    return inputs(planned("cloud-run", **values), "slipway-prod-service")["template"]


def test_requests_of_a_cloud_run_service_go_through_a_network() -> None:
    """Source: run_v2 VpcAccess: `egress`, and network or subnetwork of each interface."""
    access = template(network="inner", subnetwork="inner-eu", egress="all-traffic")["vpcAccess"]
    assert access["egress"] == "ALL_TRAFFIC"
    assert access["networkInterfaces"] == [{"network": "inner", "subnetwork": "inner-eu"}]
    assert template(network="inner")["vpcAccess"]["egress"] == "PRIVATE_RANGES_ONLY"


def test_a_network_is_one_that_the_service_can_be_in() -> None:
    elsewhere = "projects/acme-ml/regions/us-central1/subnetworks/inner"
    assert "name one in europe-west4" in refusal("cloud-run", subnetwork=elsewhere)
    assert "egress is all-traffic without a network" in refusal("cloud-run", egress="all-traffic")
    shared = "projects/host-project/global/networks/shared"
    assert "subnetwork is missing" in refusal("cloud-run", network=shared)


def test_all_traffic_through_a_network_is_said_to_need_a_nat() -> None:
    assert "Cloud NAT" in warned("cloud-run", network="inner", egress="all-traffic")
    assert "Cloud NAT" not in warned("cloud-run", network="inner")


def test_a_bucket_is_mounted_on_cloud_run() -> None:
    """Source: run_v2 Volume.gcs; mount options are gcsfuse's."""
    made = template(model="gs://acme/models/spam", modelDelivery="mount")
    [volume] = made["volumes"]
    assert volume["gcs"] == {"bucket": "acme", "readOnly": True, "mountOptions": ["only-dir=models/spam"]}
    assert made["containers"][0]["volumeMounts"][0]["name"] == volume["name"]


def test_what_cannot_be_mounted_is_refused_in_the_words_of_the_settings() -> None:
    assert "modelDelivery is mount with `model` 'bundled:sms-spam'" in refusal(
        "cloud-run", modelDelivery="mount"
    )
    pinned = refusal("cloud-run", modelDelivery="mount", model=f"gs://acme/spam@{'1' * 16}")
    assert "leave `@<generation>` or `modelDelivery` out" in pinned


def test_the_second_zone_of_a_gpu_is_reserved_on_request() -> None:
    """Source: run_v2 RevisionTemplate.gpu_zonal_redundancy_disabled."""
    assert template(**_RUN_GPU)["gpuZonalRedundancyDisabled"] is True
    assert template(**_RUN_GPU, gpuZonalRedundancy="true")["gpuZonalRedundancyDisabled"] is False
    assert "gpuZonalRedundancy is true, but no `gpu` is named" in refusal(
        "cloud-run", gpuZonalRedundancy="true"
    )


def test_the_sandbox_and_the_boost_of_a_start_can_be_chosen() -> None:
    """Source: run_v2 ExecutionEnvironment, ResourceRequirements.startup_cpu_boost."""
    made = template(executionEnvironment="gen1", startupCpuBoost="false")
    assert made["executionEnvironment"] == "EXECUTION_ENVIRONMENT_GEN1"
    assert made["containers"][0]["resources"]["startupCpuBoost"] is False
    small = refusal("cloud-run", cpu="0.5", memory="512Mi", concurrency="1", executionEnvironment="gen2")
    assert "executionEnvironment is gen2 with `cpu` 0.5" in small
    assert "Did you mean gen1?" in small


def objects(target: str, **values: str) -> dict[str, Mapping[str, Any]]:
    """Return the inputs of every object of a service, by role."""
    plan = planned(target, **values)
    return {
        each.name.removeprefix("slipway-prod-"): each.inputs
        for each in plan.resources
        if each.type.startswith("kubernetes:")
    }


def pod(target: str, **values: str) -> Mapping[str, Any]:
    return objects(target, **values)["deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("target", ["gke", "kubernetes"])
def test_an_existing_namespace_is_used_and_not_made(target: str) -> None:
    made = objects(target, namespace="default", createNamespace="false")
    assert "namespace" not in made
    assert {each["metadata"]["namespace"] for each in made.values() if "metadata" in each} == {"default"}
    assert "or set `createNamespace` to false" in refusal(target, namespace="default")


@pytest.mark.parametrize("target", ["gke", "kubernetes"])
def test_pods_log_in_to_a_registry_and_tolerate_taints(target: str) -> None:
    """Source: K8S core/v1 PodSpec and Toleration."""
    found = pod(target, imagePullSecrets='["one", "two"]', tolerations='["dedicated=ml:NoSchedule", "spot"]')
    assert found["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert found["tolerations"][-2:] == [
        {"key": "dedicated", "value": "ml", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]
    assert "imagePullSecrets" not in pod(target)


@pytest.mark.parametrize("target", ["gke", "kubernetes"])
def test_further_tolerations_leave_that_of_the_gpu(target: str) -> None:
    gpu = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi", "model": f"gs://acme/model@{'1' * 16}"}
    gpu["image"] = IMAGES[target]
    keys = [each["key"] for each in pod(target, **gpu, tolerations='["spot:NoExecute"]')["tolerations"]]
    assert keys == ["nvidia.com/gpu", "spot"]


def test_a_toleration_that_is_none_is_refused() -> None:
    for taints in ('["=ml"]', "[1]", "[null]", '["a", "a"]'):
        assert "tolerations: got" in refusal("kubernetes", tolerations=taints)
    assert "imagePullSecrets: got" in refusal("kubernetes", imagePullSecrets='["pull", "pull"]')
    assert "labels: got" in refusal("kubernetes", labels='{"team": null}')
    assert "effect is 'Never'; allowed are NoSchedule" in refusal("kubernetes", tolerations='["a:Never"]')


def test_pods_run_as_an_account_that_exists() -> None:
    made = objects("gke", serviceAccount="models")
    assert made["deployment"]["spec"]["template"]["spec"]["serviceAccountName"] == "models"
    by_kserve = objects("kubernetes", serviceAccount="models", serving="kserve")
    assert by_kserve["inference"]["spec"]["predictor"]["serviceAccountName"] == "models"
    assert not {"identity"} & (made.keys() | by_kserve.keys())
    types = {
        each.type for each in planned("gke", serviceAccount="models").resources if ":Kubernetes" in each.urn
    }
    assert "gcp:serviceaccount/account:Account" not in types


def test_the_account_that_is_made_has_annotations() -> None:
    """Source: docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html."""
    role = "arn:aws:iam::123456789012:role/models"
    given = {"serviceAccountAnnotations": f'{{"eks.amazonaws.com/role-arn": "{role}"}}'}
    account = objects("kubernetes", **given)["identity"]
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": role, **FORCED}
    from_s3 = {"model": "s3://acme-models/spam@3sL4kqtJlcpXroDTDmJ"}
    assert "needs AWS credentials" in warned("kubernetes", **from_s3)
    assert "needs AWS credentials" not in warned("kubernetes", **from_s3, **given)


def test_an_ingress_has_the_annotations_of_its_controller_next_to_its_own() -> None:
    more = {"ingressAnnotations": '{"example.com/limit": "10"}', "domain": "api.example.com"}
    issued = {"tlsSecret": "api-tls", "certIssuer": "letsencrypt"}
    annotations = objects("kubernetes", **more, **issued)["ingress"]["metadata"]["annotations"]
    issuer = {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert annotations == {"example.com/limit": "10", **issuer, **FORCED}
    on_gke = objects("gke", **more, public="true")["ingress"]["metadata"]["annotations"]
    assert on_gke["example.com/limit"] == "10"
    assert on_gke["kubernetes.io/ingress.class"] == "gce"
    assert "ingressAnnotations is given without `domain`" in refusal(
        "kubernetes", ingressAnnotations='{"example.com/limit": "10"}'
    )


def test_scaling_drains_and_callers_can_be_set() -> None:
    """Source: K8S autoscaling/v2 MetricTarget, policy/v1 PodDisruptionBudgetSpec."""
    made = objects("kubernetes", cpuTarget="70", minInstances="3", minAvailable="2", networkPolicy="false")
    [metric] = made["autoscaler"]["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 70
    assert made["budget"]["spec"]["minAvailable"] == 2
    assert "policy" not in made
    assert "minAvailable is 3 with `minInstances` 3" in refusal(
        "kubernetes", minInstances="3", minAvailable="3"
    )
    assert "cpuTarget is 70 with KServe" in refusal("kubernetes", cpuTarget="70", serving="kserve")


def test_tasks_of_fargate_are_added_at_the_cpu_use_that_is_set() -> None:
    """Source: botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue."""
    policies = [
        each.inputs["targetTrackingScalingPolicyConfiguration"]
        for each in planned("fargate", cpuTarget="70").resources
        if each.type == "aws:appautoscaling/policy:Policy"
    ]
    assert 70 in [policy["targetValue"] for policy in policies]


def test_nodes_of_gke_run_as_an_account_that_exists() -> None:
    """Source: container_v1 NodeConfig.service_account."""
    email = "nodes@acme-ml.iam.gserviceaccount.com"
    plan = planned("gke", nodeServiceAccount=email)
    pools = [each.inputs for each in plan.resources if each.type == "gcp:container/nodePool:NodePool"]
    assert {pool["nodeConfig"]["serviceAccount"] for pool in pools} == {email}
    assert "slipway-prod-nodes" not in {each.name for each in plan.resources}
    assert "nodeServiceAccount: got 'nodes'" in refusal("gke", nodeServiceAccount="nodes")


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "gke", "kubernetes"])
def test_a_stack_with_capitals_and_underscores_names_its_service(target: str) -> None:
    def of_stack(**values: str) -> Plan:
        given = {f"slipway:{key}": value for key, value in {**GIVEN[target], **values}.items()}
        return plan_of(main, StackConfig("slipway", "Prod_EU", given, frozenset(), {}))

    plan = of_stack(name="acme-api")
    assert plan.outputs["serviceName"] == "acme-api"
    assert not [each.name for each in plan.resources if each.custom and "Prod_EU" in each.name]
    with pytest.raises(
        pulumi.RunError, match=r"name is 'slipway-Prod_EU'.*Pulumi\.Prod_EU\.yaml: set `name`"
    ):
        of_stack()
    with pytest.raises(pulumi.RunError, match="name: got 'Acme'; allowed: 1 to 40 lowercase letters"):
        of_stack(name="Acme")


def test_the_commands_look_for_the_service_under_its_name() -> None:
    settings = settings_from(config("cloud-run", name="acme-api"))
    assert settings.service_name("slipway", "prod") == "acme-api"
    assert settings_from(config("cloud-run")).service_name("slipway", "prod") == "slipway-prod"


def build(target: str, **values: str) -> Mapping[str, Any]:
    plan = planned(target, **values)
    return next(each.inputs for each in plan.resources if each.type == "docker-build:index:Image")


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "gke", "kubernetes"])
def test_an_image_is_built_from_another_base_with_further_arguments(target: str) -> None:
    given = {"baseImage": "python:3.11-bookworm", "buildArgs": '{"HF_ENDPOINT": "https://hub.example.com"}'}
    found = build(target, **given)["buildArgs"]
    assert (found["PYTHON_IMAGE"], found["HF_ENDPOINT"]) == (
        "python:3.11-bookworm",
        "https://hub.example.com",
    )
    assert "baseImage is given with `image`, which is built already" in refusal(
        target, image=IMAGES[target], baseImage="python:3.11-bookworm"
    )
    assert "buildArgs has VARIANT" in refusal(target, buildArgs='{"VARIANT": "cuda"}')


def test_a_repository_keeps_as_many_images_as_are_set() -> None:
    """Source: artifactregistry CleanupPolicy.most_recent_versions; ECR lifecycle policy countNumber."""
    for target in ("cloud-run", "gke"):
        plan = planned(target, keepImages="20")
        [repository] = [each for each in plan.resources if "artifactregistry/repository:" in each.type]
        kept = [each.get("mostRecentVersions") for each in repository.inputs["cleanupPolicies"]]
        assert 20 in [each["keepCount"] for each in kept if each]
    plan = planned("fargate", keepImages="20")
    [policy] = [each.inputs["policy"] for each in plan.resources if "ecr/lifecyclePolicy:" in each.type]
    assert 20 in [rule["selection"]["countNumber"] for rule in json.loads(policy)["rules"]]


def test_an_image_for_arm_runs_on_nodes_of_that_processor() -> None:
    """Source: K8S reference/labels-annotations-taints, kubernetes.io/arch."""
    assert build("kubernetes", platform="linux/arm64")["platforms"] == ["linux/arm64"]
    found = pod("kubernetes", platform="linux/arm64", nodeSelector='{"disk": "ssd"}')
    assert found["nodeSelector"] == {"kubernetes.io/arch": "arm64", "disk": "ssd"}
    assert "nodeSelector" not in pod("kubernetes")


def test_the_name_of_a_network_counts_among_the_tags() -> None:
    """Source: BC ec2, 50 tags of a resource; VPC, subnets and tables have a Name of ours."""
    fifty = json.dumps({f"key{number}": "value" for number in range(50)})
    assert "labels has 50 labels next to Name of the component's own; as tags AWS allows 50" in refusal(
        "fargate", labels=fifty
    )
    existing = {"network": "vpc-0a1b2c3d", "subnets": '["subnet-0a1b2c3d", "subnet-1a2b3c4d"]'}
    resources = planned("fargate", labels=fifty, **existing).resources
    assert max(len(each.inputs["tags"]) for each in resources if each.inputs.get("tags")) == 50


def test_callers_of_ipv6_reach_a_load_balancer_with_such_addresses() -> None:
    """Source: BC elbv2 IpAddressType, ec2 Ipv6Range."""
    existing = {
        "network": "vpc-0a1b2c3d",
        "subnets": '["subnet-0a1b2c3d", "subnet-1a2b3c4d"]',
        "ipv6": "true",
    }

    def sources(**values: str) -> set[str]:
        rules = [
            each.inputs
            for each in planned("fargate", **existing, **values).resources
            if each.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        ]
        return {rule[key] for rule in rules for key in ("cidrIpv4", "cidrIpv6") if key in rule}

    assert sources(public="true") == {"0.0.0.0/0", "::/0"}
    assert sources(allowedCidrs='["2001:db8::/32", "203.0.113.0/24"]') == {"2001:db8::/32", "203.0.113.0/24"}
    plan = planned("fargate", **existing, public="true")
    [balancer] = [each.inputs for each in plan.resources if each.type == "aws:lb/loadBalancer:LoadBalancer"]
    assert balancer["ipAddressType"] == "dualstack"
    assert not [each.name for each in plan.resources if "::" in each.name]
    assert "only with `ipv6`" in refusal("fargate", allowedCidrs='["2001:db8::/32"]')
    assert "ipv6 is true without `network`" in refusal("fargate", ipv6="true")


def test_a_service_of_fargate_has_the_roles_the_start_and_the_share_of_spot_that_are_set() -> None:
    """Source: BC ecs TaskDefinition.taskRoleArn, executionRoleArn; CapacityProviderStrategyItem.base."""
    roles = {key: f"arn:aws:iam::123456789012:role/{key}" for key in ("taskRole", "executionRole")}
    plan = planned("fargate", **roles, spotPercent="50", onDemandInstances="2", slowStart="60")
    [task] = [each.inputs for each in plan.resources if each.type == "aws:ecs/taskDefinition:TaskDefinition"]
    assert (task["taskRoleArn"], task["executionRoleArn"]) == (roles["taskRole"], roles["executionRole"])
    assert not [each for each in plan.resources if each.type == "aws:iam/role:Role"]
    [service] = [each.inputs for each in plan.resources if each.type == "aws:ecs/service:Service"]
    assert 2 in [each.get("base") for each in service["capacityProviderStrategies"]]
    [group] = [each.inputs for each in plan.resources if each.type == "aws:lb/targetGroup:TargetGroup"]
    assert group["slowStart"] == 60
    assert "slowStart is 10; it must be 0, or a whole number from 30" in refusal("fargate", slowStart="10")
    assert "taskRole: got" in refusal("fargate", taskRole="models")


def test_a_scan_can_be_left_out_and_a_certificate_must_be_there(tmp_path: Path) -> None:
    plan = planned("fargate", scanImages="false")
    [repository] = [each.inputs for each in plan.resources if each.type == "aws:ecr/repository:Repository"]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
    missing = str(tmp_path / "ca.pem")
    assert "which cannot be read or is empty" in refusal("fargate", buildCa=missing)
    (tmp_path / "ca.pem").write_text("a certificate")
    planned("fargate", buildCa=missing)


def test_a_driver_that_cannot_run_the_image_is_refused_on_any_cluster() -> None:
    gpu = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi", "model": f"hf:acme/spam@{'a' * 40}"}
    assert "driver of the nodes is not known" in warned("kubernetes", **gpu)
    assert "driver of the nodes" not in warned("kubernetes", **gpu, nodeDriver="580")
    assert "nodeDriver is 535" in refusal("kubernetes", **gpu, nodeDriver="535")
    strategy = objects("kubernetes", spareNode="false")["deployment"]["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
