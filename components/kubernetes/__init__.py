"""The Kubernetes target, GKE and any other cluster: one component, and pure rules about its arguments."""

from .args import KubernetesServiceArgs, ModelDelivery, ScaleOn, Serving, Toleration
from .component import KubernetesService
from .names import curl

__all__ = [
    "KubernetesService",
    "KubernetesServiceArgs",
    "ModelDelivery",
    "ScaleOn",
    "Serving",
    "Toleration",
    "curl",
]
