"""The Kubernetes target, GKE and any other cluster: one component, and pure rules about what it takes."""

from .args import GkeServiceArgs, ModelDelivery, Serving, Toleration
from .component import GkeService
from .names import curl

__all__ = [
    "GkeService",
    "GkeServiceArgs",
    "ModelDelivery",
    "Serving",
    "Toleration",
    "curl",
]
