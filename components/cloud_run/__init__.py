"""The Cloud Run target: one component, and pure rules about what it takes."""

from components.cloud_run.args import CloudRunServiceArgs, ExecutionEnvironment, Ingress, VpcEgress
from components.cloud_run.component import APIS, CloudRunService
from components.cloud_run.names import curl
from components.cloud_run.rules import warnings

__all__ = [
    "APIS",
    "CloudRunService",
    "CloudRunServiceArgs",
    "ExecutionEnvironment",
    "Ingress",
    "VpcEgress",
    "curl",
    "warnings",
]
