"""The Fargate target: one component, and pure rules about what it takes."""

from components.fargate.args import (
    Architecture,
    Balancing,
    ContainerInsights,
    Egress,
    FargateServiceArgs,
    ScalingSchedule,
)
from components.fargate.component import FargateService
from components.fargate.names import curl
from components.fargate.rules import warnings

__all__ = [
    "Architecture",
    "Balancing",
    "ContainerInsights",
    "Egress",
    "FargateService",
    "FargateServiceArgs",
    "ScalingSchedule",
    "curl",
    "warnings",
]
