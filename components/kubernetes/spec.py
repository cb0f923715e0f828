"""The description of one service on Kubernetes: the cloud-neutral one and what a cluster adds, complete."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi

from .. import keda_api
from ..declared import argument, read_into
from ..google.accounts import workload_pool
from ..jobs.spec import JobsSpec
from ..observability.args import Observability
from ..observability.watch import AlarmThresholds, ServiceObjective
from ..rollouts.kinds import ROLLING
from ..spec import InferenceServiceSpec
from . import limits
from .args import ModelDelivery, Monitoring, RolloutStep, ScaleOn, Serving, Toleration
from .later import applied

GPU = "nvidia.com/gpu"
GPU_TOLERATION: Toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
_LEAST_DRAIN_SECONDS = 10
DEFAULT_CPU_TARGET = 60
DEFAULT_DATABASE_INSTANCES, DEFAULT_DATABASE_GIB = 2, 10
_METRICS_PAGE = "/metrics"


def software_gib(gpu: str) -> float:
    """Return the compressed size of an image apart from its model. gpu: '' for none."""
    return 4 if gpu else 0.2


@dataclass(frozen=True, slots=True)
class KubernetesSpec:
    """The arguments of one service on Kubernetes, checked by rules.checked_spec.

    service: as on every target. jobs: what it does with jobs. None and '': not given, or not known.
    """

    service: InferenceServiceSpec
    jobs: JobsSpec
    image_ref: pulumi.Input[str] = argument("")
    api_key: pulumi.Input[str] | None = argument(None, hidden=True)
    secret_values: Mapping[str, pulumi.Input[str]] = argument({}, hidden=True)
    kubeconfig: pulumi.Input[str] | None = argument(None, hidden=True)
    context: pulumi.Input[str] = argument("")
    cluster_identifier: pulumi.Input[str] = argument("")
    namespace: str = argument(derived=lambda spec: spec.service.name)
    create_namespace: bool = argument(default=True)
    node_selector: Mapping[str, pulumi.Input[str]] = argument({})
    tolerations: tuple[Toleration, ...] = argument(
        derived=lambda spec: (GPU_TOLERATION,) if spec.service.gpu else ()
    )
    node_cpu: float | None = argument(None)
    node_memory_gib: float | None = argument(None)
    node_gpus: float | None = argument(None)
    node_driver: float | None = argument(None)
    cuda_version: str = argument("")
    max_nodes: float | None = argument(None)
    spare_node: bool | None = argument(None)
    node_start_seconds: float = argument(
        derived=lambda spec: limits.GPU_NODE_START_SECONDS if spec.service.gpu else limits.NODE_START_SECONDS
    )
    google_project: pulumi.Input[str] = argument("")
    node_notice_seconds: float | None = argument(
        derived=lambda spec: limits.UPGRADE_NOTICE_SECONDS if spec.google_project else None
    )
    google_region: pulumi.Input[str] = argument("")
    cluster_name: str = argument("")
    workload_pool: pulumi.Input[str] = argument(
        derived=lambda spec: applied(workload_pool, spec.google_project) if spec.google_project else ""
    )
    serving: Serving = argument(Serving.DEPLOYMENT)
    rollout: str = argument(ROLLING)
    canary_percent: float | None = argument(None)
    rollout_step: RolloutStep = argument(RolloutStep.NONE)
    second_replicas: float | None = argument(None)
    model_delivery: ModelDelivery = argument(ModelDelivery.FETCH)
    model_storage_class: pulumi.Input[str] = argument("")
    model_gib: float = argument(2)
    image_gib: float = argument(derived=lambda spec: software_gib(spec.service.gpu))
    min_available: float | None = argument(None)
    cpu_target_percent: float = argument(DEFAULT_CPU_TARGET)
    requests_metric: str = argument("")
    requests_per_replica: float | None = argument(None)
    scale_on: ScaleOn = argument(ScaleOn.CPU)
    scale_target: float | None = argument(None)
    prometheus_address: str = argument("")
    keda_namespace: str = argument(keda_api.NAMESPACE)
    metrics_path: str = argument("")
    observability: Observability = argument(
        derived=lambda spec: Observability.BASIC if spec.google_project else Observability.OFF
    )
    alert_email: str = argument("")
    monitoring: Monitoring = argument(
        derived=lambda spec: Monitoring.GOOGLE if _sends_to_google(spec) else Monitoring.NONE
    )
    monitoring_namespaces: tuple[str, ...] = argument(())
    monitoring_labels: Mapping[str, str] = argument({})
    objective: ServiceObjective = argument({})
    thresholds: Mapping[str, AlarmThresholds] = argument({})
    runbooks_url: str = argument("")
    domain: str = argument("")
    ingress_class: pulumi.Input[str] = argument("")
    tls_secret: pulumi.Input[str] = argument("")
    cert_issuer: pulumi.Input[str] = argument("")
    ingress_annotations: Mapping[str, pulumi.Input[str]] = argument({})
    image_pull_secrets: tuple[pulumi.Input[str], ...] = argument(())
    service_account: str = argument("")
    service_account_annotations: Mapping[str, pulumi.Input[str]] = argument({})
    network_policy: bool = argument(default=True)
    allowed_namespaces: tuple[str, ...] = argument(())
    log_retention: Mapping[str, float] = argument({})
    traces: str = argument("off")
    jobs_database_instances: float = argument(DEFAULT_DATABASE_INSTANCES)
    jobs_database_gib: float = argument(DEFAULT_DATABASE_GIB)
    deletion_protection: bool = argument(default=True)

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; the caller has checked the types, and nothing else is checked here."""
        service = InferenceServiceSpec.read(name, {"min_replicas": 1, **args})
        return read_into(cls, args, service=service, jobs=_jobs(args, service))

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def account_name(self) -> str:
        """Return the name of the ServiceAccount that the pods run as."""
        return self.service_account or self.name

    @property
    def on_gke(self) -> bool:
        return bool(self.google_project)

    @property
    def with_kserve(self) -> bool:
        return self.serving is Serving.KSERVE

    @property
    def scales(self) -> bool:
        """Return whether an autoscaler changes the number of pods."""
        return self.service.max_replicas > self.service.min_replicas

    @property
    def with_keda(self) -> bool:
        """Return whether KEDA scales the pods."""
        return self.scale_on is not ScaleOn.CPU

    @property
    def with_interceptor(self) -> bool:
        """Return whether requests come through the interceptor of KEDA's HTTP add-on."""
        return self.scale_on is ScaleOn.INTERCEPTOR

    @property
    def metrics_page(self) -> str:
        """Return the path of the metrics page, which a rollout is judged by; '' if nothing reads it."""
        is_read = self.is_monitored or self.runs_two
        return (self.metrics_path or _METRICS_PAGE) if is_read else ""

    @property
    def is_monitored(self) -> bool:
        return self.monitoring is not Monitoring.NONE

    @property
    def runs_two(self) -> bool:
        """Return whether a rollout runs two versions next to each other, each a Deployment."""
        return self.rollout != ROLLING and not self.with_kserve

    @property
    def in_bucket(self) -> bool:
        return self.service.address.is_in_bucket

    @property
    def is_mounted(self) -> bool:
        return self.in_bucket and self.model_delivery is ModelDelivery.MOUNT

    @property
    def is_fetched(self) -> bool:
        return self.in_bucket and self.model_delivery is ModelDelivery.FETCH

    @property
    def drain_seconds(self) -> int:
        """Return how long running requests get after SIGTERM: their timeout."""
        return max(math.ceil(self.service.request_timeout_seconds), _LEAST_DRAIN_SECONDS)


def _jobs(args: Mapping[str, Any], service: InferenceServiceSpec) -> JobsSpec:
    """Return what the service does with jobs.

    Only KEDA sees how many wait: where it scales the service it is there, and scales the workers too. Else
    their number is fixed, unless a maximum is given.
    """
    least = args.get("min_workers", 1)
    most = max(least, 3 if args.get("scale_on", ScaleOn.CPU) is not ScaleOn.CPU else 1)
    return JobsSpec.read({"max_workers": most, **args}, service, given=args.keys())


def _sends_to_google(spec: Any) -> bool:
    """Return whether something asks for the server's metrics on GKE."""
    return bool(spec.google_project) and bool(spec.metrics_path or spec.observability is Observability.FULL)
