"""The `gke` target: the image, a cluster with its node pools, and the service on it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import pulumi

from slipway.components.fault import Fault, Faults, refuse
from slipway.components.gke import GkeCluster, Nodes
from slipway.components.gke.nodes import POOL_LABEL, fit_faults, free_disk_gib, nodes_of_spec
from slipway.components.gke.rules import checked_spec as checked_cluster
from slipway.components.gke.spec import GkeClusterSpec
from slipway.components.google.gke_login import context_name
from slipway.components.image import InferenceImageArgs, Registry
from slipway.components.kubernetes import KubernetesService, KubernetesServiceArgs
from slipway.components.kubernetes.pod import disk_mib
from slipway.components.kubernetes.rules import checked_spec as checked_service
from slipway.components.kubernetes.spec import KubernetesSpec
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.gke_cluster import cluster_args_of, pod_gpus
from slipway.stacks.kubernetes import image_size_args, reference_faults, watching_faults, workload_args
from slipway.stacks.parts import (
    google_image,
    image_maker,
    model_args,
    registry_image_args,
    require_known_memory,
)
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.gke import GkeSettings

# The layers as they came, and unpacked: `make bench-image` has 1.4 times for the images that are built here.
_UNPACKED_SHARE = 2.4
# The arguments of the cluster that make its nodes, by how they begin.
_OF_NODES = ("gpu", "machine_type", "cpu_")


def prepare(name: str, settings: GkeSettings, secrets: StackSecrets) -> Callable[[], KubernetesService]:
    """Check a `gke` stack and return the function that makes its image, its cluster and its service.

    The image comes first: if it cannot be built, no GPU is paid for. Raises ArgumentsError with all faults
    of the cluster, the service, the model and the image, before any is registered.
    """
    found = Faults()
    given = settings.args_for(KubernetesServiceArgs)
    workload = KubernetesSpec.read(name, given)
    service = workload.service
    args = {**given, **workload_args(settings, secrets, service, google_image(settings))}
    cluster_args = cluster_args_of(name, settings, workload)
    cluster_spec = found.of(lambda: checked_cluster(name, cluster_args))
    nodes = nodes_of_spec(cluster_spec or GkeClusterSpec.read(name, cluster_args))
    found.of(lambda: refuse(name, _fit_faults(settings, service, nodes)))
    are_wrong = any(fault.root.startswith(_OF_NODES) for fault in found.found)
    args |= found.of(lambda: model_args(name, settings, service, model_gib=settings.model_gib)) or {}
    args |= found.of(lambda: image_size_args(name, settings)) or {}
    args |= _node_args(settings.cluster or name, settings, nodes)
    args |= {} if are_wrong else _known_of(nodes)
    found.of(lambda: refuse(name, [*reference_faults(settings), *watching_faults(settings)]))
    spec = found.of(lambda: checked_service(name, args))
    found.of(lambda: refuse(name, [*_place_faults(settings), *_serving_faults(settings)]))
    if spec and cluster_spec and cluster_spec.makes_nodes:
        disk = cluster_spec.disk_gib
        found.of(lambda: refuse(name, disk_faults(spec, disk)))
    found.of(lambda: require_known_memory(name, settings, service, "gke"))
    image = found.of(lambda: image_maker(name, _image_args(name, settings)))
    found.refuse(name)
    assert image is not None

    def make() -> KubernetesService:
        built = image()
        after_image = pulumi.ResourceOptions(depends_on=[built])
        cluster = GkeCluster(name, cluster_args, after_image, checked=cluster_spec)
        args["image_ref"] = settings.image or built.image_ref
        if not settings.cluster or (settings.gpu and not settings.node_pool):
            args["node_selector"] = {POOL_LABEL: cluster.node_pool}
        args["kubeconfig"] = cluster.kubeconfig
        # Made of the cluster's output: the engine then deletes what is on a cluster before the cluster.
        place = f"{settings.project}/{settings.location or settings.region}"
        args["cluster_identifier"] = cluster.cluster_name.apply(lambda known: f"{place}/{known}")
        after_cluster = pulumi.ResourceOptions(depends_on=[cluster])
        return KubernetesService(name, cast("KubernetesServiceArgs", args), after_cluster, checked=spec)

    return make


def _fit_faults(settings: GkeSettings, service: InferenceServiceSpec, nodes: Nodes) -> Iterator[Fault]:
    count, shared = pod_gpus(settings), bool(settings.gpu_sharing)
    return fit_faults(nodes, settings.gpu, count, service.cpu, service.memory_gib, shared)


def _place_faults(settings: GkeSettings) -> Iterator[Fault]:
    """Yield why the cluster would be in another place than the image and the rest."""
    location, region = settings.location, settings.region
    if location and location != region and not re.fullmatch(rf"{re.escape(region)}-[a-z]", location):
        yield Fault(
            "location", repr(location), f"allowed are {region} and its zones", f"outside `region` {region}"
        )


def _serving_faults(settings: GkeSettings) -> Iterator[Fault]:
    """Yield why the service's kind of object would be unknown to the cluster."""
    if settings.serving == "kserve" and not settings.cluster:
        allowed = (
            "set it to deployment, or create the cluster with that first, install KServe on it, and name it "
            "with `cluster` in the stack of the service"
        )
        reason = "without `cluster`: a cluster that the same `up` creates has no KServe"
        yield Fault("serving", "kserve", allowed, reason)


def disk_faults(spec: KubernetesSpec, disk_gib: float) -> Iterator[Fault]:
    """Yield why the nodes' disk is too small for the image, a pod's own files and the model that it fetches.

    disk_gib: of one node.
    """
    free = free_disk_gib(disk_gib)
    pod, image = disk_mib(spec) / 1024, spec.image_gib * _UNPACKED_SHARE
    if pod + image > free:
        parts = f"about {image:.1f} GiB of images and {pod:.1f} GiB of a pod's files and fetched model"
        reason = f", of which {free:.0f} GiB are free for {parts}"
        nearest = next(gib for gib in range(20, 65537, 10) if free_disk_gib(gib) >= pod + image)
        yield Fault("disk_gib", f"{disk_gib:g} GiB", "take a larger one", reason, nearest)


def _image_args(name: str, settings: GkeSettings) -> InferenceImageArgs:
    args = registry_image_args(name, settings, Registry.ARTIFACT_REGISTRY, settings.region)
    return {**args, "project": settings.project}


def _node_args(cluster: str, settings: GkeSettings, nodes: Nodes) -> dict[str, Any]:
    """Return the arguments that say which nodes the service runs on, and how their cluster is reached."""
    location = settings.location or settings.region
    return {
        "node_selector": dict(nodes.selector),
        "tolerations": [dict(taint) for taint in (*nodes.tolerations, *settings.tolerations)],
        "node_start_seconds": nodes.start_seconds,
        "node_notice_seconds": nodes.notice_seconds,
        "google_project": settings.project,
        "google_region": location,
        "cluster_name": cluster,
        "context": context_name(settings.project, location, cluster),
    }


def _known_of(nodes: Nodes) -> dict[str, Any]:
    """Return what is known of the planned nodes, as arguments of the service.

    Of nodes with faults the caller leaves it out, because it would only cause more faults.
    """
    known = {"node_cpu": nodes.cpu, "node_memory_gib": nodes.memory_gib, "node_driver": nodes.driver}
    known |= {"node_gpus": nodes.gpus or None, "max_nodes": nodes.max_nodes}
    return {argument: value for argument, value in known.items() if value is not None}
