"""The description of one Fargate service: the cloud-neutral one and what this cloud adds, complete."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pulumi

from ..load_time import LOADS_OF_A_START
from ..spec import InferenceServiceSpec
from . import limits
from .args import (
    Architecture,
    Balancing,
    ContainerInsights,
    Egress,
    FargateServiceArgs,
    ScalingSchedule,
)

_LEAST_GRACE_SECONDS = 60
_FETCH_GRACE_SECONDS = 600
_LEAST_DRAIN_SECONDS = 10
# Between the drain's end and the kill.
_STOP_MARGIN_SECONDS = 10
_IDLE_MARGIN_SECONDS = 10
_LEAST_IDLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FargateSpec:
    """service: as on every target. None and '': not given. Checked by rules.checked_spec."""

    service: InferenceServiceSpec
    image_ref: pulumi.Input[str]
    region: str
    api_key: pulumi.Input[str] | None = field(repr=False)
    secret_values: Mapping[str, pulumi.Input[str]] = field(repr=False)
    architecture: Architecture
    ephemeral_storage_gib: float
    cluster_arn: pulumi.Input[str] | None
    container_insights: ContainerInsights
    execution_role_arn: pulumi.Input[str] | None
    task_role_arn: pulumi.Input[str] | None
    vpc_id: pulumi.Input[str] | None
    subnet_ids: tuple[pulumi.Input[str], ...]
    task_subnet_ids: tuple[pulumi.Input[str], ...]
    assign_public_ip: bool
    zones: tuple[str, ...]
    vpc_cidr: str
    egress: Egress
    listener_arn: pulumi.Input[str] | None
    listener_security_group_id: pulumi.Input[str] | None
    listener_paths: tuple[str, ...]
    listener_priority: float | None
    internal: bool
    domain: str
    certificate_arn: pulumi.Input[str] | None
    allowed_cidrs: tuple[str, ...]
    idle_timeout_seconds: float
    slow_start_seconds: float
    balancing: Balancing
    spot_percent: float
    on_demand_base: float
    cpu_target_percent: float
    request_seconds: float | None
    schedules: tuple[ScalingSchedule, ...]
    log_retention_days: float
    deletion_protection: bool
    given: frozenset[str]

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill the defaults; nothing is checked but the types, by whom they come from."""
        given = cast("FargateServiceArgs", args)
        service = InferenceServiceSpec.read(name, cast("FargateServiceArgs", {"min_replicas": 1, **args}))
        region = args.get("region", "")
        slow_start = given.get("slow_start_seconds", 0)
        apart = bool(given.get("task_subnet_ids")) or given.get("internal", False)
        return cls(
            service=service,
            image_ref=args.get("image_ref", ""),
            region=region,
            api_key=given.get("api_key"),
            secret_values=dict(given.get("secret_values", {})),
            architecture=given.get("architecture", Architecture.X86_64),
            ephemeral_storage_gib=given.get("ephemeral_storage_gib", limits.STORAGE_INCLUDED_GIB),
            cluster_arn=given.get("cluster_arn"),
            container_insights=given.get("container_insights", ContainerInsights.DISABLED),
            execution_role_arn=given.get("execution_role_arn"),
            task_role_arn=given.get("task_role_arn"),
            vpc_id=given.get("vpc_id"),
            subnet_ids=tuple(given.get("subnet_ids", ())),
            task_subnet_ids=tuple(given.get("task_subnet_ids", ())),
            assign_public_ip=given.get("assign_public_ip", not apart),
            zones=tuple(given.get("zones", (f"{region}a", f"{region}b"))),
            vpc_cidr=given.get("vpc_cidr", "10.0.0.0/16"),
            egress=given.get("egress", Egress.PUBLIC_ADDRESS),
            listener_arn=given.get("listener_arn"),
            listener_security_group_id=given.get("listener_security_group_id"),
            listener_paths=tuple(given.get("listener_paths", ())),
            listener_priority=given.get("listener_priority"),
            internal=given.get("internal", False),
            domain=given.get("domain", ""),
            certificate_arn=given.get("certificate_arn"),
            allowed_cidrs=tuple(given.get("allowed_cidrs", ())),
            idle_timeout_seconds=given.get("idle_timeout_seconds", _idle_timeout(service)),
            slow_start_seconds=slow_start,
            balancing=given.get(
                "balancing", Balancing.ROUND_ROBIN if slow_start else Balancing.LEAST_OUTSTANDING_REQUESTS
            ),
            spot_percent=given.get("spot_percent", 0),
            on_demand_base=given.get("on_demand_base", 1),
            cpu_target_percent=given.get("cpu_target_percent", 60),
            request_seconds=given.get("request_seconds"),
            schedules=tuple(given.get("schedules", ())),
            log_retention_days=given.get("log_retention_days", 30),
            deletion_protection=given.get("deletion_protection", True),
            given=frozenset(args),
        )

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def memory_mib(self) -> float:
        return self.service.memory_gib * 1024

    @property
    def own_network(self) -> bool:
        return self.vpc_id is None

    @property
    def own_balancer(self) -> bool:
        return self.listener_arn is None

    @property
    def scales(self) -> bool:
        """Whether the autoscaler owns the number of tasks."""
        return self.service.max_replicas > self.service.min_replicas or bool(self.schedules)

    @property
    def is_fetched(self) -> bool:
        """Whether the model comes over the network at start; a start then takes longer than was measured."""
        return self.service.model.startswith(("s3://", "gs://"))

    @property
    def drain_seconds(self) -> int:
        """That requests under way get after SIGTERM: their timeout, as far as a task may take to stop."""
        longest = limits.STOP_SECONDS - _STOP_MARGIN_SECONDS
        return min(max(math.ceil(self.service.request_timeout_seconds), _LEAST_DRAIN_SECONDS), longest)

    @property
    def stop_seconds(self) -> int:
        return self.drain_seconds + _STOP_MARGIN_SECONDS

    @property
    def grace_seconds(self) -> int:
        """Before a task that is not ready counts as unhealthy: three times the load, and time to fetch."""
        fetching = _FETCH_GRACE_SECONDS if self.is_fetched else 0
        return self._patience_seconds + fetching

    @property
    def start_period_seconds(self) -> int:
        """Before a failed check of the container itself counts; ECS has a maximum."""
        return min(self._patience_seconds, limits.HEALTH_START_SECONDS[-1])

    @property
    def _patience_seconds(self) -> int:
        return max(math.ceil(LOADS_OF_A_START * self.service.load_seconds), _LEAST_GRACE_SECONDS)

    @property
    def deregistration_seconds(self) -> int:
        """That requests under way get before a task is told to stop."""
        return math.ceil(self.service.request_timeout_seconds)


def _idle_timeout(service: InferenceServiceSpec) -> float:
    """A silent connection may be one that waits for its answer."""
    timeout = service.request_timeout_seconds
    return (
        max(math.ceil(timeout) + _IDLE_MARGIN_SECONDS, _LEAST_IDLE_SECONDS) if math.isfinite(timeout) else 60
    )
