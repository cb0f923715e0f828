"""The whole program of a `gke` stack, planned without a cloud."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.components.gke.machines import MACHINES, allocatable
from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.infra.manifests.objects import manifests_of
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import Plan, plan_of, run
from slipway.infra.program import main
from tests.checkout import ROOT
from tests.warned import warned

GIVEN = {"target": "gke", "project": "acme-ml", "region": "europe-west4"}
HUB = f"hf:acme/spam@{'a' * 40}"
GPU = {"gpu": "nvidia-l4", "cpu": "3", "memory": "8Gi", "maxInstances": "4", "model": HUB}
DIGEST = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:{'0' * 64}"
SECRET_KEYS = frozenset({"slipway:apiKey", "slipway:secrets"})


def config(**values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN, **values}.items()}
    return StackConfig("slipway", "prod", given, SECRET_KEYS, {})


def planned(**values: str) -> Plan:
    return plan_of(main, config(**values))


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == name)


def pool(**values: str) -> Mapping[str, Any]:
    return inputs(planned(**values), "slipway-prod-gpu-pool")


def uses_of(plan: Plan, name: str) -> set[str]:
    """Names of the resources that its inputs are made of."""
    found = next(resource for resource in plan.resources if resource.name == name)
    return {urn.split("::")[-1] for urns in found.uses.values() for urn in urns}


def pod(plan: Plan) -> Mapping[str, Any]:
    return inputs(plan, "slipway-prod-deployment")["spec"]["template"]["spec"]


def refusal(**values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(**values)
    return str(caught.value)


def test_the_stack_exports_the_outputs_of_every_target() -> None:
    outputs = planned(**GPU).outputs
    assert set(outputs) == {"apiKey", "consoleUrl", "imageRef", "logsCommand", "serviceName", "url"}
    assert outputs["apiKey"] == "[secret]"
    assert outputs["serviceName"] == "slipway-prod"
    assert "--context gke_acme-ml_europe-west4_slipway-prod" in outputs["logsCommand"]
    assert "/europe-west4/slipway-prod/" in outputs["consoleUrl"]


def test_the_image_comes_first_and_the_service_last() -> None:
    """Where the image cannot be built no GPU is paid for; and a service needs its nodes until it is gone."""
    made = {(r.type.rpartition(":")[2], r.name): r for r in planned(**GPU).resources if r.custom}
    waits = {key: " ".join(resource.dependencies) for key, resource in made.items()}
    reader = "slipway-prod-nodes-acme-ml-europe-west4-slipway-prod-image-reader"
    for first in (
        ("Account", "slipway-prod-nodes"),
        ("RepositoryIamMember", reader),
        ("Cluster", "slipway-prod-cluster"),
    ):
        assert "slipway-prod-image-build" in waits[first], first
    for last in ("slipway-prod-cluster", "slipway-prod-cpu-pool", "slipway-prod-gpu-pool"):
        assert last in waits["kubernetes", "slipway-prod-cluster"]


def test_the_pods_go_to_the_gpu_pool_and_bear_its_taint() -> None:
    plan = planned(**GPU)
    spec = pod(plan)
    assert spec["nodeSelector"] == {"cloud.google.com/gke-nodepool": "[unknown]"}
    assert "slipway-prod-gpu-pool" in uses_of(plan, "slipway-prod-deployment")
    [taint] = inputs(plan, "slipway-prod-gpu-pool")["nodeConfig"]["taints"]
    assert [(one["key"], one["value"]) for one in spec["tolerations"]] == [(taint["key"], taint["value"])]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_pool_has_as_many_nodes_as_the_instances_need() -> None:
    assert pool(**GPU)["autoscaling"]["totalMaxNodeCount"] == 4
    assert pool(**GPU)["autoscaling"]["totalMinNodeCount"] == 1
    assert pool(**GPU, minInstances="2", maxNodes="6")["autoscaling"] == {
        "totalMinNodeCount": 2,
        "totalMaxNodeCount": 6,
        "locationPolicy": "ANY",
    }
    shared = pool(**{**GPU, "cpu": "1", "memory": "2Gi"}, gpuSharing="time-sharing", gpuClients="3")
    assert shared["autoscaling"]["totalMaxNodeCount"] == 2
    four = pool(**{**GPU, "maxInstances": "9"}, machineType="g2-standard-48")
    assert four["nodeConfig"]["guestAccelerators"][0]["count"] == 4
    assert four["autoscaling"]["totalMaxNodeCount"] == 3


def test_a_number_for_each_zone_is_shared_by_the_zones() -> None:
    zones = json.dumps(["europe-west4-a", "europe-west4-b", "europe-west4-c"])
    autoscaling = pool(**GPU, zones=zones, minNodesPerZone="1")["autoscaling"]
    assert (autoscaling["minNodeCount"], autoscaling["maxNodeCount"]) == (1, 2)


def test_a_larger_memory_changes_the_deployment_alone() -> None:
    small = {r.name: r.inputs for r in planned(**GPU).resources if r.custom}
    large = {r.name: r.inputs for r in planned(**{**GPU, "memory": "10Gi"}).resources if r.custom}
    assert [name for name in small if small[name] != large[name]] == ["slipway-prod-deployment"]


def test_without_a_gpu_the_service_runs_on_the_cpu_pool() -> None:
    plan = planned(maxInstances="6")
    names = [resource.name for resource in plan.resources if resource.type.endswith(":NodePool")]
    assert names == ["slipway-prod-cpu-pool"]
    cpu = inputs(plan, "slipway-prod-cpu-pool")
    assert cpu["nodeConfig"]["machineType"] == "e2-standard-4"
    assert cpu["autoscaling"]["totalMaxNodeCount"] == 3  # two for six instances, one for what GKE runs
    assert pod(plan)["nodeSelector"] == {"cloud.google.com/gke-nodepool": "[unknown]"}
    assert "slipway-prod-cpu-pool" in uses_of(plan, "slipway-prod-deployment")
    assert inputs(plan, "slipway-prod-image")["variant"] == "cpu"


def test_the_manifests_leave_out_the_name_of_a_pool_that_is_not_made_yet() -> None:
    objects = {each.name: each.body for each in manifests_of(planned(**GPU, image=DIGEST)).objects}
    spec = objects["slipway-prod-deployment"]["spec"]["template"]["spec"]
    assert "nodeSelector" not in spec
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    existing = manifests_of(planned(**GPU, image=DIGEST, cluster="shared", nodePool="gpus")).objects
    [deployment] = [each.body for each in existing if each.body["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {"cloud.google.com/gke-nodepool": "gpus"}


def test_a_task_that_only_torch_serves_gets_an_image_with_torch() -> None:
    assert inputs(planned(task="summarize", model=f"hf:a/b@{'0' * 40}"), "slipway-prod-image")["variant"] == (
        "torch-cpu"
    )
    assert inputs(planned(**GPU), "slipway-prod-image")["variant"] == "cuda"


def test_the_cuda_of_the_image_is_the_one_that_drivers_are_checked_against() -> None:
    assert f"ARG CUDA_VERSION={IMAGE_CUDA}\n" in (ROOT / "service/Dockerfile").read_text()
    assert "CUDA 13.2 needs 580" in refusal(**GPU, gpuDriver="default")
    assert pool(**GPU, gpuDriver="default", image=DIGEST)["nodeConfig"]["guestAccelerators"][0][
        "gpuDriverInstallationConfig"
    ] == {"gpuDriverVersion": "DEFAULT"}


def test_an_existing_cluster_gets_a_pool_and_an_existing_pool_nothing() -> None:
    def made(**values: str) -> set[str]:
        plan = planned(**GPU, **values)
        return {r.type.rpartition(":")[2] for r in plan.resources if r.type.startswith("gcp:container")}

    assert made() == {"Cluster", "NodePool"}
    assert made(cluster="shared") == {"NodePool"}
    assert made(cluster="shared", nodePool="gpus") == set()
    selector = pod(planned(**GPU, cluster="shared", nodePool="gpus"))["nodeSelector"]
    assert selector == {"cloud.google.com/gke-nodepool": "gpus"}


def test_no_secret_is_in_the_plan() -> None:
    secrets = json.dumps({"HF_TOKEN": "hf_a-real-value", "OTHER": "kubernetes:shared/token"})
    plan = planned(**GPU, apiKey="a-key-of-more-than-16-letters", secrets=secrets)
    shown = json.dumps([dict(resource.inputs) for resource in plan.resources])
    assert "hf_a-real-value" not in shown
    assert "a-key-of-more-than-16-letters" not in shown
    by_name = {entry["name"]: entry for entry in pod(plan)["containers"][0]["env"]}
    assert by_name["OTHER"]["valueFrom"]["secretKeyRef"] == {"name": "shared", "key": "token"}
    encrypted = planned(**GPU, secrets=json.dumps({"HF_TOKEN": ENCRYPTED}))
    assert "HF_TOKEN" in {entry["name"] for entry in pod(encrypted)["containers"][0]["env"]}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"machineType": "n1-standard-4"}, "machine_type is n1-standard-4 with gpu nvidia-l4"),
        ({"gpu": "nvidia-tesla-t4", "machineType": "g2-standard-4"}, "that machine has nvidia-l4"),
        ({"gpu": "nvidia-tesla-t4", "gpuCount": "3"}, "a node has 1, 2 or 4"),
        ({"gpuCount": "2", "machineType": "g2-standard-4"}, "which has 1; nearest: gpu_count 1"),
        ({"memory": "14Gi"}, "offers its pods 3.52 vCPU and 11.512 GiB; nearest: machineType g2-standard-8."),
        ({"cpu": "4"}, "nearest: machineType g2-standard-8."),
        ({"maxNodes": "3"}, "the pool holds 3 at its maximum"),
        ({"spot": "true", "flexStart": "true"}, "spot and flex_start are both true"),
        ({"gpuSharing": "time-sharing", "gpuCount": "2"}, "a pod takes one share of one GPU"),
        ({"gpuSharing": "mps"}, "which the service's namespace (Pod Security `restricted`) forbids"),
        ({"gpuSharing": "mps", "serving": "kserve"}, "allowed is TIME_SHARING"),
        ({"nodePool": "gpus"}, "node_pool is gpus without `cluster`"),
        ({"cluster": "shared", "releaseChannel": "rapid"}, "release_channel belongs to the cluster shared"),
        ({"location": "us-central1-a", "zones": '["europe-west4-a"]'}, "allowed are zones of us-central1"),
        ({"minInstances": "0"}, "min"),
        ({"namespace": "kube-system"}, "kube-system"),
        ({"model": "file:/tmp/model"}, "file:"),
    ],
)
def test_what_gke_would_not_run_is_refused_before_anything_is_registered(
    values: dict[str, str], said: str
) -> None:
    message = refusal(**{**GPU, **values})
    assert said in message
    assert "slipway-prod" in message


def test_the_warnings_of_cluster_and_service_are_told_together() -> None:
    told = "\n".join(warned(config(**GPU)))
    assert "NVIDIA_L4_GPUS in europe-west4 and GPUS_ALL_REGIONS" in told
    assert "a rollout has no spare GPU" in told
    assert "no spare" not in "\n".join(warned(config(**GPU, maxNodes="5")))


def test_the_driver_of_a_pool_is_a_warning_only_where_it_may_be_too_old() -> None:
    def told(**values: str) -> str:
        return "\n".join(warned(config(**GPU, **values)))

    assert "NVIDIA driver" not in told()
    assert "NVIDIA driver" not in told(image=DIGEST)
    assert "driver of the nodes is 535, which runs images for CUDA 12.x and older" in told(
        image=DIGEST, gpuDriver="default"
    )
    for unknown in ({"gpuDriver": "none"}, {"cluster": "shared", "nodePool": "gpus"}):
        assert "driver of the nodes is not known; the image has CUDA 13.2, which needs driver 580" in told(
            **unknown
        )


def test_a_gpu_that_was_asked_for_is_a_condition_of_the_start() -> None:
    def device(**values: str) -> str | None:
        [settings] = [made.inputs for made in planned(**values).resources if made.type.endswith(":ConfigMap")]
        return settings["data"].get("DEVICE")

    assert device(**GPU) == "cuda"
    assert device() is None


def test_without_the_plugin_nothing_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview needs no login; an update that could put nothing on its cluster makes none."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert planned(**GPU, image=DIGEST).resources
    monitor = Monitor("slipway", "prod")
    with pytest.raises(pulumi.RunError, match=r"`gke-gcloud-auth-plugin`, which is not on PATH"):
        run(main, config(**GPU, image=DIGEST), monitor, preview=False)
    assert [resource.type for resource in monitor.recorded.values()] == ["pulumi:pulumi:Stack"]


def readers(plan: Plan) -> list[tuple[str, str, str, str]]:
    """The repositories that somebody may read: name of the resource, project, location, repository."""
    return [
        (r.name, r.inputs["project"], r.inputs["location"], r.inputs["repository"])
        for r in plan.resources
        if r.type == "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
    ]


def told(**values: str) -> str:
    """What a reviewer reads, of a stack that is planned too."""
    planned(**values)
    return "\n".join(warned(config(**values)))


def test_the_nodes_may_read_the_repository_that_is_built_into() -> None:
    name = "slipway-prod-nodes-acme-ml-europe-west4-slipway-prod-image-reader"
    assert readers(planned(**GPU)) == [(name, "acme-ml", "europe-west4", "slipway-prod-image")]


@pytest.mark.parametrize(
    ("image", "location", "repository"),
    [
        ("europe-west4-docker.pkg.dev/acme-ml/slipway/server", "europe-west4", "slipway"),
        ("us-docker.pkg.dev/acme-ml/shared/team/server", "us", "shared"),
        ("gcr.io/acme-ml/server", "us", "gcr.io"),
        ("eu.gcr.io/acme-ml/server", "europe", "eu.gcr.io"),
    ],
)
@pytest.mark.parametrize("values", [GPU, {}, {**GPU, "cluster": "shared"}], ids=["gpu", "cpu", "shared"])
def test_the_nodes_may_read_the_repository_of_the_image_that_runs(
    image: str, location: str, repository: str, values: dict[str, str]
) -> None:
    plan = planned(**values, image=f"{image}@sha256:{'0' * 64}")
    name = f"slipway-prod-nodes-acme-ml-{location}-{repository}-reader"
    assert readers(plan) == [(name, "acme-ml", location, repository)]
    [reader] = [resource for resource in plan.resources if resource.name == name]
    for pool in (r for r in plan.resources if r.type == "gcp:container/nodePool:NodePool"):
        assert reader.urn in pool.dependencies


def test_the_image_that_was_built_here_before_is_read_by_the_same_grant() -> None:
    built = f"europe-west4-docker.pkg.dev/acme-ml/slipway-prod-image/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=built)) == readers(planned(**GPU))


def test_the_repository_of_another_project_is_left_to_its_owner_with_the_command() -> None:
    image = f"europe-west4-docker.pkg.dev/acme-images/shared/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=image)) == []
    text = told(**GPU, image=image)
    assert "the image is in the project acme-images" in text
    assert (
        "`gcloud artifacts repositories add-iam-policy-binding shared --project=acme-images "
        "--location=europe-west4 --role=roles/artifactregistry.reader "
        '--member="serviceAccount:slipway-prod-nodes@acme-ml.iam.gserviceaccount.com"`'
    ) in text


@pytest.mark.parametrize("host", ["docker.io", "ghcr.io", "quay.io", "registry.acme.io:443"])
def test_an_image_outside_google_is_told_to_need_a_nat_and_to_be_public(host: str) -> None:
    image = f"{host}/acme/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=image)) == []
    text = told(**GPU, image=image)
    assert f"the image is in {host}, outside Google: private nodes reach it only where" in text
    assert f"the image is in {host}: where it asks for a login" in text
    assert "reach it only where" not in told(**GPU, image=image, privateNodes="false")
    assert host not in told(**GPU)


def test_an_image_in_ecr_is_refused_where_the_cluster_is_made() -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:{'0' * 64}"
    said = refusal(**GPU, image=image)
    assert "nodes of this cluster have no login to ECR" in said
    assert "docker buildx imagetools create" in said
    assert "EKS" in told(**GPU, image=image, cluster="shared")


def test_an_image_without_a_repository_is_refused_with_the_form_that_google_has() -> None:
    said = refusal(**GPU, image=f"europe-west4-docker.pkg.dev/acme-ml/server@sha256:{'0' * 64}")
    assert "<location>-docker.pkg.dev/<project>/<repository>/<image>" in said


@pytest.mark.parametrize("values", [{**GPU, "nodePool": "gpus"}, {}], ids=["pool", "any node"])
def test_nodes_of_another_owner_are_told_to_need_the_repository(values: dict[str, str]) -> None:
    existing = {**values, "cluster": "shared"}
    for image, repository in (("", "slipway-prod-image"), (DIGEST, "slipway")):
        given = {**existing, "image": image} if image else existing
        assert readers(planned(**given)) == []
        text = told(**given)
        assert f"gcloud artifacts repositories add-iam-policy-binding {repository} " in text
        assert "are their owner's" in text


SIZES = st.fixed_dictionaries(
    {
        "gpu": st.just("nvidia-l4"),
        "machineType": st.sampled_from(["g2-standard-16", "g2-standard-24", "g2-standard-48"]),
        "cpu": st.sampled_from(["0.5", "1", "3", "7.5"]),
        "memory": st.sampled_from(["1Gi", "8Gi", "20Gi", "50Gi"]),
        "minInstances": st.sampled_from(["1", "2", "5"]),
        "maxInstances": st.sampled_from(["5", "6", "11"]),
        "zones": st.just('["europe-west4-a", "europe-west4-b"]'),
    },
    optional={
        "gpuCount": st.sampled_from(["1", "2"]),
        "gpuSharing": st.just("time-sharing"),
        "maxNodes": st.sampled_from(["4", "12"]),
        "minNodesPerZone": st.sampled_from(["1", "2"]),
    },
)


@settings(max_examples=40, derandomize=True, database=None)
@given(values=SIZES)
def test_every_pod_of_a_plan_has_room_in_its_pool(values: dict[str, str]) -> None:
    try:
        plan = planned(**values, image=DIGEST)
    except pulumi.RunError:
        return
    made = inputs(plan, "slipway-prod-gpu-pool")
    machine = MACHINES[made["nodeConfig"]["machineType"]]
    [accelerator] = made["nodeConfig"]["guestAccelerators"]
    shares = accelerator.get("gpuSharingConfig", {}).get("maxSharedClientsPerGpu", 1) * accelerator["count"]
    requests = pod(plan)["containers"][0]["resources"]["requests"]
    left = allocatable(machine)
    each = min(
        int(left.cpu / float(values["cpu"])),
        int(left.memory_gib / float(values["memory"].removesuffix("Gi"))),
        shares // int(requests["nvidia.com/gpu"]),
    )
    limits = made["autoscaling"]
    most = limits.get("totalMaxNodeCount") or limits["maxNodeCount"] * len(made["nodeLocations"])
    least = limits.get("totalMinNodeCount") or limits.get("minNodeCount", 0)
    assert most * each >= int(values["maxInstances"])
    assert least <= most


def test_a_machine_that_is_not_known_is_refused_and_no_number_of_nodes_is_blamed_for_it() -> None:
    with pytest.raises(pulumi.RunError, match="cpu_machine_type is 'e2-none-4'") as refusal:
        planned(machineType="e2-none-4", minNodes="9")
    assert "nodes" not in str(refusal.value)


def test_the_service_and_all_below_it_are_found_in_a_state_by_the_type_it_had_before() -> None:
    current, former = "slipway:index:KubernetesService", "slipway:index:GkeService"
    resources = [resource for resource in planned().resources if current in resource.urn]
    assert len(resources) > 10
    for resource in resources:
        assert resource.urn.replace(current, former) in resource.aliases
