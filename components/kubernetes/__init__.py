"""The Kubernetes target, GKE and any other cluster: one component, and pure rules about its arguments."""

from .args import KubernetesServiceArgs, ModelDelivery, Serving, Toleration
from .component import KubernetesService
from .names import curl

__all__ = [
    "KubernetesService",
    "KubernetesServiceArgs",
    "ModelDelivery",
    "Serving",
    "Toleration",
    "curl",
]
