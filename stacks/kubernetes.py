"""The `kubernetes` target: the service on any cluster, by its kubeconfig; nothing of a cloud is made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import pulumi

from slipway.components.image import InferenceImage, InferenceImageArgs
from slipway.components.kubernetes import KubernetesService, KubernetesServiceArgs, ModelDelivery, Serving
from slipway.components.kubernetes.rules import checked_spec
from slipway.stacks.parts import (
    ANY_DIGEST,
    ANY_IMAGE,
    CloudSettings,
    image_cuda_version,
    image_model_args,
    neutral_args,
    require_known_memory,
)
from slipway.stacks.secrets import StackSecrets

_REFERENCE = "kubernetes:"


class WorkloadSettings(CloudSettings, Protocol):
    """What every Kubernetes cluster's service reads beyond every cloud's settings."""

    @property
    def gpu_count(self) -> int | None: ...
    @property
    def namespace(self) -> str: ...
    @property
    def serving(self) -> str: ...
    @property
    def model_delivery(self) -> str: ...
    @property
    def model_gib(self) -> float | None: ...
    @property
    def model_storage_class(self) -> str: ...
    @property
    def allowed_namespaces(self) -> tuple[str, ...]: ...
    @property
    def requests_metric(self) -> str: ...
    @property
    def requests_per_instance(self) -> float | None: ...
    @property
    def canary_percent(self) -> int | None: ...


class KubernetesSettings(WorkloadSettings, Protocol):
    """What this target reads alone."""

    @property
    def context(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def node_selector(self) -> Mapping[str, str]: ...
    @property
    def ingress_class(self) -> str: ...
    @property
    def tls_secret(self) -> str: ...
    @property
    def cert_issuer(self) -> str: ...


def service(name: str, settings: KubernetesSettings, secrets: StackSecrets) -> KubernetesService:
    """The service of a `kubernetes` stack, and its image where it is built.

    Raises ValueError with all faults of the service, or else all of the image, before either is registered.
    """
    if not (settings.image or settings.repository):
        raise ValueError(
            f"{name}: neither image nor repository is set. Name the image with its digest, `image: "
            "host/repository@sha256:<64 hex digits>`, or where it is pushed to when it is built, "
            "`repository: host/name`, in Pulumi.<stack>.yaml."
        )
    args = _service_args(name, settings, secrets, settings.image or ANY_IMAGE)
    spec = checked_spec(name, args)
    require_known_memory(name, settings.model, settings.task, settings.cpu, settings.memory_gib, "kubernetes")
    image = InferenceImage(f"{name}-image", _image_args(name, settings))
    args["image_ref"] = settings.image or image.image_ref
    built = f"{settings.repository}@{ANY_DIGEST}"  # where it is, for what is warned of
    return KubernetesService(name, args, checked=replace(spec, image_ref=settings.image or built))


def workload_args(
    name: str, settings: WorkloadSettings, secrets: StackSecrets, image_ref: pulumi.Input[str]
) -> KubernetesServiceArgs:
    """What the component takes on every cluster. An argument that is left out is not said."""
    args: KubernetesServiceArgs = {
        **neutral_args(name, settings, model_gib=settings.model_gib),
        "secrets": {
            variable: reference.removeprefix(_REFERENCE) for variable, reference in settings.secrets.items()
        },
        "image_ref": image_ref,
        "secret_values": dict(secrets.values),
        "serving": Serving(settings.serving),
        "model_delivery": ModelDelivery(settings.model_delivery),
        "deletion_protection": settings.deletion_protection,
    }
    if cuda := image_cuda_version(settings):
        args["cuda_version"] = cuda
    if settings.gpu_count is not None:
        args["gpu_count"] = settings.gpu_count
    if settings.namespace:
        args["namespace"] = settings.namespace
    if settings.model_gib is not None:
        args["model_gib"] = settings.model_gib
    if settings.model_storage_class:
        args["model_storage_class"] = settings.model_storage_class
    if settings.allowed_namespaces:
        args["allowed_namespaces"] = list(settings.allowed_namespaces)
    if settings.requests_metric:
        args["requests_metric"] = settings.requests_metric
    if settings.requests_per_instance is not None:
        args["requests_per_replica"] = settings.requests_per_instance
    if settings.canary_percent is not None:
        args["canary_percent"] = settings.canary_percent
    if settings.domain:
        args["domain"] = settings.domain
    if secrets.api_key is not None:
        args["api_key"] = secrets.api_key
    return args


def _image_args(name: str, settings: KubernetesSettings) -> InferenceImageArgs:
    args = image_model_args(name, settings)
    if settings.image:
        args["image"] = settings.image
    else:
        args["repository"] = settings.repository
    return args


def _service_args(
    name: str, settings: KubernetesSettings, secrets: StackSecrets, image_ref: pulumi.Input[str]
) -> KubernetesServiceArgs:
    args = workload_args(name, settings, secrets, image_ref)
    if secrets.kubeconfig is not None:
        args["kubeconfig"] = secrets.kubeconfig
    if secrets.cluster:
        args["cluster_identifier"] = secrets.cluster
    if settings.context:
        args["context"] = settings.context
    if settings.node_selector:
        args["node_selector"] = dict(settings.node_selector)
    if settings.ingress_class:
        args["ingress_class"] = settings.ingress_class
    if settings.tls_secret:
        args["tls_secret"] = settings.tls_secret
    if settings.cert_issuer:
        args["cert_issuer"] = settings.cert_issuer
    return args
