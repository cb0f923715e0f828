"""The `gke` target: the image, a cluster with its node pools, and the service on it."""

import pulumi

from slipway.components.gke import GkeCluster, Nodes
from slipway.components.gke.nodes import POOL_LABEL, fit_faults, nodes_of_spec
from slipway.components.gke.rules import checked_spec as checked_cluster
from slipway.components.gke_login import context_name
from slipway.components.image import InferenceImage, InferenceImageArgs, Registry
from slipway.components.kubernetes import KubernetesService, KubernetesServiceArgs, Toleration
from slipway.components.kubernetes.rules import checked_spec as checked_service
from slipway.components.spec import refuse
from slipway.stacks.gke_cluster import GkeSettings, cluster_args_of, pod_gpus
from slipway.stacks.kubernetes import workload_args
from slipway.stacks.parts import google_image, registry_image_args, require_known_memory
from slipway.stacks.secrets import StackSecrets


def service(name: str, settings: GkeSettings, secrets: StackSecrets) -> KubernetesService:
    """The service of a `gke` stack, its cluster and its image; the outputs are those of every target.

    The image comes first: where it cannot be built, no GPU is paid for. Raises ValueError with all faults of
    the cluster, or else of the service, or else of the image, before any of them is registered.
    """
    cluster_args = cluster_args_of(name, settings)
    cluster_spec = checked_cluster(name, cluster_args)
    nodes = nodes_of_spec(cluster_spec)
    count, shared = pod_gpus(settings), bool(settings.gpu_sharing)
    refuse(name, fit_faults(nodes, settings.gpu, count, settings.cpu, settings.memory_gib, shared))
    args = _service_args(name, settings, secrets, nodes, google_image(settings))
    spec = checked_service(name, args)
    require_known_memory(name, settings.model, settings.task, settings.cpu, settings.memory_gib, "gke")
    image = InferenceImage(f"{name}-image", _image_args(name, settings))
    cluster = GkeCluster(name, cluster_args, pulumi.ResourceOptions(depends_on=[image]), checked=cluster_spec)
    args["image_ref"] = settings.image or image.image_ref
    if not settings.cluster or (settings.gpu and not settings.node_pool):
        args["node_selector"] = {POOL_LABEL: cluster.node_pool}
    args["kubeconfig"] = cluster.kubeconfig
    return KubernetesService(name, args, pulumi.ResourceOptions(depends_on=[cluster]), checked=spec)


def _image_args(name: str, settings: GkeSettings) -> InferenceImageArgs:
    return {
        **registry_image_args(name, settings, Registry.ARTIFACT_REGISTRY),
        "project": settings.project,
    }


def _service_args(
    name: str, settings: GkeSettings, secrets: StackSecrets, nodes: Nodes, image_ref: pulumi.Input[str]
) -> KubernetesServiceArgs:
    location, cluster = settings.location or settings.region, settings.cluster or name
    args: KubernetesServiceArgs = {
        **workload_args(name, settings, secrets, image_ref),
        "node_selector": dict(nodes.selector),
        "tolerations": [Toleration(**taint) for taint in nodes.tolerations],
        "node_start_seconds": nodes.start_seconds,
        "google_project": settings.project,
        "google_region": location,
        "cluster_name": cluster,
        "cluster_identifier": f"{settings.project}/{location}/{cluster}",
        "context": context_name(settings.project, location, cluster),
    }
    if nodes.cpu is not None and nodes.memory_gib is not None:
        args["node_cpu"] = nodes.cpu
        args["node_memory_gib"] = nodes.memory_gib
    if settings.metrics_path:
        args["metrics_path"] = settings.metrics_path
    if nodes.driver is not None:
        args["node_driver"] = nodes.driver
    if nodes.gpus:
        args["node_gpus"] = nodes.gpus
    if nodes.max_nodes is not None:
        args["max_nodes"] = nodes.max_nodes
    return args
