"""The Cloud Run target: one component, and pure rules about the arguments it accepts."""

from .args import CloudRunServiceArgs, ExecutionEnvironment, Ingress, VpcEgress
from .component import APIS, CloudRunService
from .names import curl

__all__ = [
    "APIS",
    "CloudRunService",
    "CloudRunServiceArgs",
    "ExecutionEnvironment",
    "Ingress",
    "VpcEgress",
    "curl",
]
