"""What a GkeCluster asks Google for, as the outside sees it."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from slipway.components.fault import reader_words
from slipway.components.gke import GkeCluster, GpuDriver, nodes_of
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.gke_cases import GHCR_IMAGE, IMAGE, L4, PLAIN, REPOSITORY, ZONES


def emitted(**args: Any) -> Emitted:
    def program() -> None:
        cluster = GkeCluster("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("name", cluster.cluster_name)
        pulumi.export("kubeconfig", cluster.kubeconfig)
        pulumi.export("workloadPool", cluster.workload_pool)
        pulumi.export("account", cluster.node_service_account)
        pulumi.export("console", cluster.console_url)
        pulumi.export("node_pool", cluster.node_pool)

    return emitted_by(program)


def pool(**args: Any) -> Mapping[str, Any]:
    return emitted(**args).named("api-gpu-pool").inputs


def test_the_outputs_tell_how_the_cluster_is_reached() -> None:
    outputs = emitted(**L4).outputs
    assert outputs["name"] == "api"
    assert outputs["workloadPool"] == "acme-prod.svc.id.goog"
    assert outputs["account"] == "api-nodes@acme-prod.iam.gserviceaccount.com"
    assert "https://203.0.113.7" in outputs["kubeconfig"]
    assert '"current-context": "gke_acme-prod_europe-west4_api"' in outputs["kubeconfig"]
    assert "clusters/details/europe-west4/api" in outputs["console"]


def test_the_cpu_pool_is_made_before_the_gpu_pool() -> None:
    """Else the GPU nodes get GKE's own pods, and never go."""
    made = emitted(**L4)
    assert made.named("api-cpu-pool").urn in made.named("api-gpu-pool").dependencies


def test_the_nodes_rights_are_there_before_the_nodes() -> None:
    made = emitted(**L4)
    grants = {r.urn for r in made.of_type(gcp.projects.IAMMember)}
    assert len(grants) == 3
    for name in ("api-cluster", "api-cpu-pool", "api-gpu-pool"):
        assert grants <= set(made.named(name).dependencies)


def test_the_nodes_have_the_least_roles_and_read_one_repository() -> None:
    made = emitted(**L4, image_repository=REPOSITORY)
    assert {str(r.inputs["role"]) for r in made.of_type(gcp.projects.IAMMember)} == {
        "roles/container.defaultNodeServiceAccount",
        "roles/serviceusage.serviceUsageConsumer",
    }
    [reader] = made.of_type(gcp.artifactregistry.RepositoryIamMember)
    assert reader.inputs["repository"] == "api-image"
    assert reader.inputs["role"] == "roles/artifactregistry.reader"


def test_the_nodes_read_the_repository_of_the_image_and_wait_for_the_right() -> None:
    made = emitted(**L4, image_ref=IMAGE)
    [reader] = made.of_type(gcp.artifactregistry.RepositoryIamMember)
    assert (reader.inputs["project"], reader.inputs["location"]) == ("acme-prod", "europe-west4")
    assert (reader.inputs["repository"], reader.inputs["role"]) == ("shared", "roles/artifactregistry.reader")
    for name in ("api-cluster", "api-cpu-pool", "api-gpu-pool"):
        assert reader.urn in made.named(name).dependencies


def test_an_image_outside_google_gives_the_nodes_nothing_to_read() -> None:
    made = emitted(**L4, image_ref=GHCR_IMAGE)
    assert made.of_type(gcp.artifactregistry.RepositoryIamMember) == []
    assert len(made.of_type(gcp.projects.IAMMember)) == 2


def test_a_repository_of_another_project_is_granted_only_where_it_is_named_by_itself() -> None:
    image = IMAGE.replace("acme-prod", "acme-images")
    assert emitted(**L4, image_ref=image).of_type(gcp.artifactregistry.RepositoryIamMember) == []
    named = emitted(**L4, image_repository=REPOSITORY.replace("acme-prod", "acme-images"))
    [reader] = named.of_type(gcp.artifactregistry.RepositoryIamMember)
    assert reader.inputs["project"] == "acme-images"


def test_an_account_of_ones_own_gets_no_rights() -> None:
    email = "nodes@acme-prod.iam.gserviceaccount.com"
    made = emitted(**L4, node_service_account=email)
    assert not [r for r in made.resources if "IAM" in r.type or "Account" in r.type]
    assert made.named("api-gpu-pool").inputs["nodeConfig"]["serviceAccount"] == email


def test_without_a_gpu_there_is_one_pool() -> None:
    assert [r.name for r in emitted().of_type(gcp.container.NodePool)] == ["api-cpu-pool"]


def test_limits_are_of_the_whole_pool_unless_they_are_said_for_each_zone() -> None:
    assert pool(**L4, gpu_min_nodes=1)["autoscaling"] == {
        "totalMinNodeCount": 1,
        "totalMaxNodeCount": 4,
        "locationPolicy": "ANY",
    }
    each = pool(**{**L4, **ZONES, "gpu_min_nodes_per_zone": 1, "gpu_max_nodes": 6})
    assert each["autoscaling"] == {"minNodeCount": 1, "maxNodeCount": 2, "locationPolicy": "BALANCED"}


def test_the_gpu_pool_is_tainted_with_its_driver_and_needs_no_spare_gpu() -> None:
    made = pool(**L4)
    assert made["nodeConfig"]["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    assert made["nodeConfig"]["guestAccelerators"] == [
        {"type": "nvidia-l4", "count": 1, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}
    ]
    assert made["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}
    assert made["initialNodeCount"] == 0


def test_a_choice_that_a_pool_cannot_change_gives_it_another_name() -> None:
    """The new pool is made before the old one goes; with the same name Google would refuse it."""
    first = pool(**L4)["name"]
    for change in (
        {"machine_type": "g2-standard-8"},
        {"gpu_driver": GpuDriver.DEFAULT},
        {"spot": True},
        {"disk_gib": 200},
        {"private_nodes": False},
        {"node_service_account": "nodes@acme-prod.iam.gserviceaccount.com"},
        {"gpu_sharing": "TIME_SHARING"},
    ):
        assert pool(**{**L4, **change})["name"] != first
    for change in ({"gpu_max_nodes": 9}, {"labels": {"a": "b"}}, {"gpu_min_nodes": 1}, ZONES):
        assert pool(**{**L4, **change})["name"] == first


def test_an_existing_cluster_is_looked_up_and_gets_a_gpu_pool_only() -> None:
    made = emitted(**L4, cluster="shared")
    assert made.of_type(gcp.container.Cluster) == []
    assert [r.name for r in made.of_type(gcp.container.NodePool)] == ["api-gpu-pool"]
    assert made.named("api-gpu-pool").inputs["cluster"] == "shared"
    assert "https://203.0.113.7" in made.outputs["kubeconfig"]
    assert '"gke_acme-prod_europe-west4_shared"' in made.outputs["kubeconfig"]


def test_of_an_existing_pool_nothing_is_made_but_apis_are_enabled() -> None:
    made = emitted(**L4, cluster="shared", node_pool="gpus")
    assert {r.type.rpartition(":")[2] for r in made.resources if r.custom} == {"Service"}
    assert [
        r for r in emitted(cluster="shared", node_pool="p", enable_apis=False).resources if r.custom
    ] == []


def test_a_zonal_cluster_lists_its_further_zones_only() -> None:
    zonal = emitted(**L4, location="europe-west4-a", **ZONES)
    assert zonal.named("api-cluster").inputs["nodeLocations"] == ["europe-west4-b", "europe-west4-c"]
    assert zonal.named("api-gpu-pool").inputs["nodeLocations"] == list(ZONES["zones"])


def test_a_workload_is_told_of_the_gpu_nodes_what_it_must_know() -> None:
    nodes = nodes_of("api", {**PLAIN, **L4})
    assert nodes.selector == {}  # the pool's name is drawn when it is made
    assert emitted(**L4).outputs["node_pool"] == pool(**L4)["name"]
    assert nodes.tolerations == (
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"},
    )
    assert (nodes.gpus, nodes.max_nodes, nodes.machine_type) == (1, 4, "g2-standard-4")
    assert nodes.cpu == pytest.approx(3.52)


def test_shares_of_a_gpu_count_as_gpus() -> None:
    args = {**PLAIN, **L4, "gpu_count": 2, "gpu_sharing": "TIME_SHARING", "gpu_clients": 5}
    assert nodes_of("api", args).gpus == 10


def test_without_a_gpu_a_workload_goes_to_the_cpu_pool() -> None:
    nodes = nodes_of("api", PLAIN)
    made = emitted()
    assert made.outputs["node_pool"] == made.named("api-cpu-pool").inputs["name"]
    assert (nodes.tolerations, nodes.gpus, nodes.max_nodes) == ((), 0, 3)


def test_of_an_existing_pool_only_what_is_said_is_known() -> None:
    args = {**PLAIN, "gpu": "nvidia-l4", "cluster": "shared", "node_pool": "gpus"}
    nodes = nodes_of("api", args)
    assert nodes.selector == {"cloud.google.com/gke-nodepool": "gpus"}
    assert nodes.max_nodes is None
    assert nodes_of("api", {**args, "gpu_max_nodes": 2, "machine_type": "g2-standard-8"}).max_nodes == 2
    anywhere = nodes_of("api", {**PLAIN, "cluster": "shared"})
    assert (anywhere.selector, anywhere.cpu) == ({}, None)


def test_the_cluster_is_protected_until_it_is_said_otherwise() -> None:
    """Else `destroy` would be refused by Google alone, when all that was on the cluster is gone."""
    cluster = emitted(**L4).named("api-cluster")
    assert (cluster.protect, cluster.inputs["deletionProtection"]) == (True, True)
    free = emitted(**L4, deletion_protection=False).named("api-cluster")
    assert (free.protect, free.inputs["deletionProtection"]) == (False, False)


def test_what_google_changes_by_itself_replaces_nothing() -> None:
    """Ignore the default pool, the autoscaler's node count, and an existing pool's name."""
    made = emitted(**L4)
    cluster = made.named("api-cluster")
    assert (cluster.inputs["removeDefaultNodePool"], cluster.inputs["initialNodeCount"]) == (True, 1)
    assert cluster.ignore_changes == ("nodeConfig",)
    for name in ("api-cpu-pool", "api-gpu-pool"):
        assert made.named(name).ignore_changes == ("initialNodeCount", "name")


def test_apis_stay_enabled_when_the_cluster_goes() -> None:
    """Sources: DOCS/how-to/image-streaming; terraform-provider-google#11435."""
    apis = emitted(**L4).of_type(gcp.projects.Service)
    assert {str(api.inputs["service"]) for api in apis} == {
        "cloudresourcemanager.googleapis.com",
        "containerfilesystem.googleapis.com",
        "compute.googleapis.com",
        "container.googleapis.com",
        "iam.googleapis.com",
    }
    assert not any(api.inputs["disableOnDestroy"] for api in apis)


def test_networks_may_be_outputs_and_make_the_same_cluster() -> None:
    names = {"network": "inner", "subnetwork": "inner-a"}
    cidrs = ["10.0.0.0/8", "203.0.113.0/24"]
    known = emitted(**names, control_plane_cidrs=cidrs)

    def program() -> None:
        later: dict[str, Any] = {key: pulumi.Output.from_input(name) for key, name in names.items()}
        later["control_plane_cidrs"] = [cidrs[0], pulumi.Output.from_input(cidrs[1])]
        GkeCluster("api", {**PLAIN, **later})  # pyright: ignore[reportArgumentType]

    later = emitted_by(program)
    assert later.named("api-cluster").inputs == known.named("api-cluster").inputs


def test_an_output_is_refused_where_it_decides_which_right_is_granted() -> None:
    def program() -> None:
        project = pulumi.Output.from_input("acme-prod")
        with pytest.raises(ValueError, match="project is an Output; it must be a plain value, because"):
            GkeCluster("api", {**PLAIN, "project": project})  # pyright: ignore[reportArgumentType]

    assert len(emitted_by(program).resources) == 1


def test_a_warning_is_in_the_words_of_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def warn(text: str, *_: object) -> None:
        told.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    emitted()
    assert "`control_plane_cidrs` narrows that" in "\n".join(told)
    with reader_words({"control_plane_cidrs": "controlPlaneCidrs"}):
        emitted()
    assert "`controlPlaneCidrs` narrows that" in "\n".join(told)
