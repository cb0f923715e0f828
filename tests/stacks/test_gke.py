"""The whole program of a `gke` stack, planned without a cloud."""

import json

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.components.gke.machines import MACHINES, allocatable
from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.infra.manifests.objects import manifests_of
from slipway.infra.plan.config import ENCRYPTED
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import run
from slipway.infra.program import main
from tests.checkout import ROOT
from tests.stacks.gke_plans import (
    DIGEST,
    GPU,
    config,
    inputs,
    planned,
    pod,
    pool,
    refusal,
    uses_of,
)
from tests.warned import warned


def test_the_stack_exports_the_outputs_of_every_target() -> None:
    outputs = planned(**GPU).outputs
    uniform = {"apiKey", "consoleUrl", "imageRef", "logsCommand", "serviceName", "url"}
    assert set(outputs) == {*uniform, "domainRecords"}
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


@pytest.mark.parametrize(("rollout", "nodes"), [("rolling", 4), ("canary", 5), ("blue-green", 8)])
def test_the_gpu_pool_has_room_for_both_versions_of_a_rollout(rollout: str, nodes: int) -> None:
    plan = planned(**GPU, rollout=rollout)
    assert inputs(plan, "slipway-prod-gpu-pool")["autoscaling"]["totalMaxNodeCount"] == nodes
    said = "\n".join(warned(config(**GPU, rollout=rollout)))
    assert ("GPU of quota" in said or "GPUs of quota" in said) is (rollout != "rolling")


def test_a_pool_without_room_for_a_second_version_is_refused_in_the_words_of_the_settings() -> None:
    message = refusal(**GPU, rollout="blue-green", maxNodes="6")
    assert "rollout is blue-green: 4 more pods run next to `maxInstances` 4, and the pool holds 6" in message
    assert "raise `maxNodes`, lower `maxInstances`, or use `rollout` rolling" in message


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


def test_a_task_that_writes_text_gets_torch_with_a_gpu_or_where_it_is_asked_for() -> None:
    writer = {"task": "summarize", "model": f"hf:a/b@{'0' * 40}"}
    assert inputs(planned(**writer), "slipway-prod-image")["variant"] == "cpu"
    assert inputs(planned(**writer, backend="torch"), "slipway-prod-image")["variant"] == "torch-cpu"
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


SHARED_VPC = {
    "network": "projects/host/global/networks/shared",
    "subnetwork": "projects/host/regions/europe-west4/subnetworks/ml",
}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"machineType": "n1-standard-4"}, "machineType is n1-standard-4 with `gpu` nvidia-l4"),
        ({"gpu": "nvidia-tesla-t4", "machineType": "g2-standard-4"}, "that machine has nvidia-l4"),
        ({"gpu": "nvidia-tesla-t4", "gpuCount": "3"}, "a node has 1, 2 or 4"),
        ({"gpuCount": "2", "machineType": "g2-standard-4"}, "which has 1; take 1, or `machineType` g2-"),
        ({"memory": "14Gi"}, "whose nodes offer their pods 3.52 vCPU and 11.512 GiB, and an instance"),
        ({"memory": "14Gi"}, "`memory` 14 GiB. Did you mean g2-standard-8?"),
        ({"cpu": "4"}, "machineType is g2-standard-4, whose nodes offer"),
        ({"cpu": "4"}, "requests `cpu` 4 vCPU and `memory` 8 GiB. Did you mean g2-standard-8?"),
        ({"cpu": "300"}, "cpu: got '300'; allowed: 0.08 to 64. Did you mean 64?"),
        ({"maxNodes": "3"}, "maxInstances is 4, and the pool holds 3 at its maximum"),
        (
            {"spot": "true", "flexStart": "true"},
            "spot is true with `flexStart` true; a pool has its nodes one way",
        ),
        ({"gpuSharing": "time-sharing", "gpuCount": "2"}, "gpuCount is 2 with `gpuSharing`; a pod takes"),
        ({"gpuSharing": "mps"}, "which the service's namespace (Pod Security: restricted) forbids"),
        ({"gpuSharing": "mps"}, "gpuSharing is mps: GKE runs it only for pods with"),
        (
            {"gpuSharing": "mps", "serving": "kserve", "cluster": "shared", "maxNodes": "5"},
            "Did you mean time-sharing?",
        ),
        ({"serving": "kserve"}, "serving is kserve without `cluster`: a cluster that the same `up` creates"),
        (SHARED_VPC, "podsRange is missing with `network` projects/host/global/networks/shared, in which"),
        ({**SHARED_VPC, "podsRange": "pods"}, "servicesRange is missing with `podsRange`; name both"),
        ({"gpuDriver": "default"}, "gpuDriver is default, which installs driver 535"),
        ({"gpuDriver": "default"}, "CUDA 13.2 needs 580 or newer. Did you mean latest?"),
        ({"nodeDisk": "10Gi"}, "nodeDisk is 10Gi; allowed are 20 to 65536 GiB. Did you mean 20Gi?"),
        ({"nodeDisk": "20.5Gi"}, "nodeDisk is 20.5Gi; it must be a whole number of GiB."),
        ({"maxNodes": "2", "minNodes": "3"}, "maxNodes is 2, below `minNodes` 3; raise the one"),
        ({"controlPlaneCidrs": '["10.0.0.1/8"]'}, "Did you mean 10.0.0.0/8?"),
        ({"modelDelivery": "mount"}, "modelDelivery is mount with `model`"),
        ({"secrets": '{"DB": "projects/acme/secrets/db/versions/1"}'}, "write `kubernetes:<secret>/<key>`"),
        ({"nodePool": "gpus"}, "nodePool is gpus without `cluster`"),
        (
            {"cluster": "shared", "releaseChannel": "rapid"},
            "releaseChannel is given with `cluster` shared, whose",
        ),
        ({"location": "us-central1-a"}, "allowed are europe-west4 and its zones"),
        ({"minInstances": "0"}, "min"),
        ({"namespace": "kube-system"}, "kube-system"),
        ({"model": "file:/nowhere"}, "model is 'file:/nowhere', which is no folder here"),
    ],
)
def test_what_gke_would_not_run_is_refused_before_anything_is_registered(
    values: dict[str, str], said: str
) -> None:
    message = refusal(**{**GPU, **values})
    assert said in message
    assert message.startswith("Stack prod: 1 setting is wrong.")
    assert message.endswith("Fix it in Pulumi.prod.yaml.")


def test_ranges_of_a_shared_network_are_handed_over() -> None:
    """Source: GKEPB IPAllocationPolicy: the names of the ranges; GKE creates none in another project."""
    plan = planned(**GPU, **SHARED_VPC, podsRange="pods", servicesRange="services")
    [cluster] = [r for r in plan.resources if r.type == "gcp:container/cluster:Cluster"]
    ranges = cluster.inputs["ipAllocationPolicy"]
    assert ranges["clusterSecondaryRangeName"] == "pods"
    assert ranges["servicesSecondaryRangeName"] == "services"


def test_what_a_reclaimed_node_cuts_is_warned_of() -> None:
    """Source: GKE concepts/spot-vms: 15 s for pods that are not the system's; an upgrade waits an hour."""
    assert "has 15 s" in "\n".join(warned(config(**GPU, spot="true")))
    assert "is taken away" not in "\n".join(warned(config(**GPU)))
    assert "has 3600 s" in "\n".join(warned(config(**GPU, timeout="3600")))


def test_the_drain_of_nodes_is_waited_for() -> None:
    """Source: GKE concepts/node-pool-upgrade-strategies: a node's pods have an hour to end."""
    monitor = Monitor("slipway", "prod")
    run(main, config(**GPU), monitor, preview=True)
    pools = [r for r in monitor.requests.values() if r.type == "gcp:container/nodePool:NodePool"]
    waits = {getattr(pool.customTimeouts, kind) for pool in pools for kind in ("update", "delete")}
    assert len(pools) == 2
    assert min(int(wait.removesuffix("m")) for wait in waits) > 60


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cluster": "shared", "machineType": "e2-standard-8"}, "machineType is given with `cluster` shared"),
        (
            {"cluster": "shared", "maxNodes": "5"},
            "maxNodes is 5 with `cluster` shared, whose owner decides it",
        ),
        (
            {"cluster": "shared", "minNodes": "2"},
            "minNodes is 2 with `cluster` shared, whose owner decides it",
        ),
        ({"minNodesPerZone": "2"}, "minNodesPerZone is 2, but no `gpu` is named"),
    ],
)
def test_what_would_have_no_effect_without_a_gpu_is_refused(values: dict[str, str], said: str) -> None:
    assert said in refusal(**values)


def test_all_that_is_wrong_with_cluster_service_and_image_is_reported_in_one_run() -> None:
    message = refusal(
        **{**GPU, "model": f"gs://acme/spam@{'1' * 16}"},
        location="Belgium",
        zones='["us-central1-a"]',
        gpuSharing="mps",
        requestsMetric="requests",
        canaryPercent="10",
        labels='{"Team": "search"}',
    )
    for said in ("location: got 'Belgium'", "gpuSharing is mps", "requestsMetric is 'requests' without"):
        assert said in message
    for said in ("canaryPercent is 10", "labels has 'Team'"):
        assert said in message


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
    with pytest.raises(pulumi.RunError, match="machineType is 'e2-none'") as refusal:
        planned(machineType="e2-none", minNodes="9")
    assert str(refusal.value).startswith("Stack prod: 1 setting is wrong.")


def test_the_service_and_all_below_it_are_found_in_a_state_by_the_type_it_had_before() -> None:
    current, former = "slipway:index:KubernetesService", "slipway:index:GkeService"
    resources = [resource for resource in planned().resources if current in resource.urn]
    assert len(resources) > 10
    for resource in resources:
        assert resource.urn.replace(current, former) in resource.aliases
