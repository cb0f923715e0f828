"""The description of one service on Kubernetes: the cloud-neutral one and what a cluster adds, complete."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pulumi

from ..spec import InferenceServiceSpec
from . import limits
from .args import KubernetesServiceArgs, ModelDelivery, Serving, Toleration

GPU = "nvidia.com/gpu"
_GPU_TOLERATION: Toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
_LEAST_DRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class KubernetesSpec:
    """service: as on every target. None and '': not given, or not known. Checked by rules.checked_spec."""

    service: InferenceServiceSpec
    image_ref: pulumi.Input[str]
    api_key: pulumi.Input[str] | None = field(repr=False)
    secret_values: Mapping[str, pulumi.Input[str]] = field(repr=False)
    kubeconfig: pulumi.Input[str] | None = field(repr=False)
    context: str
    cluster_identifier: str
    namespace: str
    create_namespace: bool
    node_selector: Mapping[str, pulumi.Input[str]]
    tolerations: tuple[Toleration, ...]
    node_cpu: float | None
    node_memory_gib: float | None
    node_gpus: float | None
    node_driver: float | None
    cuda_version: str
    max_nodes: float | None
    spare_node_given: bool | None
    node_start_seconds: float
    google_project: str
    google_region: str
    cluster_name: str
    workload_pool: str
    serving: Serving
    canary_percent: float | None
    model_delivery: ModelDelivery
    model_storage_class: str
    model_gib: float
    image_gib: float
    min_available: float | None
    cpu_target_percent: float
    requests_metric: str
    requests_per_replica: float | None
    metrics_path: str
    domain: str
    ingress_class: str
    tls_secret: str
    cert_issuer: str
    network_policy: bool
    allowed_namespaces: tuple[str, ...]
    deletion_protection: bool

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill the defaults; nothing is checked but the types, by whom they come from."""
        given = cast("KubernetesServiceArgs", args)
        service = InferenceServiceSpec.read(name, given)
        gpu, project = bool(service.gpu), given.get("google_project", "")
        return cls(
            service=service,
            image_ref=args.get("image_ref", ""),
            api_key=given.get("api_key"),
            secret_values=dict(given.get("secret_values", {})),
            kubeconfig=given.get("kubeconfig"),
            context=given.get("context", ""),
            cluster_identifier=given.get("cluster_identifier", ""),
            namespace=given.get("namespace", name),
            create_namespace=given.get("create_namespace", True),
            node_selector=dict(given.get("node_selector", {})),
            tolerations=tuple(given.get("tolerations", [_GPU_TOLERATION] if gpu else [])),
            node_cpu=given.get("node_cpu"),
            node_memory_gib=given.get("node_memory_gib"),
            node_gpus=given.get("node_gpus"),
            node_driver=given.get("node_driver"),
            cuda_version=given.get("cuda_version", ""),
            max_nodes=given.get("max_nodes"),
            spare_node_given=given.get("spare_node"),
            node_start_seconds=given.get(
                "node_start_seconds", limits.GPU_NODE_START_SECONDS if gpu else limits.NODE_START_SECONDS
            ),
            google_project=project,
            google_region=given.get("google_region", ""),
            cluster_name=given.get("cluster_name", ""),
            workload_pool=given.get("workload_pool", f"{project}.svc.id.goog" if project else ""),
            serving=given.get("serving", Serving.DEPLOYMENT),
            canary_percent=given.get("canary_percent"),
            model_delivery=given.get("model_delivery", ModelDelivery.FETCH),
            model_storage_class=given.get("model_storage_class", ""),
            model_gib=given.get("model_gib", 2),
            image_gib=given.get("image_gib", 4 if gpu else 0.2),
            min_available=given.get("min_available"),
            cpu_target_percent=given.get("cpu_target_percent", 60),
            requests_metric=given.get("requests_metric", ""),
            requests_per_replica=given.get("requests_per_replica"),
            metrics_path=given.get("metrics_path", ""),
            domain=given.get("domain", ""),
            ingress_class=given.get("ingress_class", ""),
            tls_secret=given.get("tls_secret", ""),
            cert_issuer=given.get("cert_issuer", ""),
            network_policy=given.get("network_policy", True),
            allowed_namespaces=tuple(given.get("allowed_namespaces", ())),
            deletion_protection=given.get("deletion_protection", True),
        )

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def on_gke(self) -> bool:
        return bool(self.google_project)

    @property
    def with_kserve(self) -> bool:
        return self.serving is Serving.KSERVE

    @property
    def scales(self) -> bool:
        """Whether an autoscaler owns the number of pods."""
        return self.service.max_replicas > self.service.min_replicas

    @property
    def in_bucket(self) -> bool:
        return self.service.model.startswith(("gs://", "s3://"))

    @property
    def is_mounted(self) -> bool:
        return self.in_bucket and self.model_delivery is ModelDelivery.MOUNT

    @property
    def is_fetched(self) -> bool:
        return self.in_bucket and self.model_delivery is ModelDelivery.FETCH

    @property
    def drain_seconds(self) -> int:
        """That requests under way get after SIGTERM: their timeout."""
        return max(math.ceil(self.service.request_timeout_seconds), _LEAST_DRAIN_SECONDS)
