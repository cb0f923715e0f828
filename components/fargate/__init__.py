"""The Fargate target: one component, and pure rules about the arguments it accepts."""

from .args import (
    Architecture,
    Balancing,
    ContainerInsights,
    Egress,
    FargateServiceArgs,
    ScalingSchedule,
)
from .component import FargateService
from .names import curl

__all__ = [
    "Architecture",
    "Balancing",
    "ContainerInsights",
    "Egress",
    "FargateService",
    "FargateServiceArgs",
    "ScalingSchedule",
    "curl",
]
