"""The Kubernetes target, GKE and any other cluster: one component, and pure rules about what it takes."""

from components.kubernetes.args import GkeServiceArgs, ModelDelivery, Serving, Toleration
from components.kubernetes.component import GkeService
from components.kubernetes.names import curl
from components.kubernetes.rules import warnings

__all__ = [
    "GkeService",
    "GkeServiceArgs",
    "ModelDelivery",
    "Serving",
    "Toleration",
    "curl",
    "warnings",
]
