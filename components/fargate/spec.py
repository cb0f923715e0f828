"""The description of one Fargate service: the cloud-neutral one and what this cloud adds, complete."""

import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi

from ..declared import argument, read_into
from ..jobs.spec import JobsSpec
from ..load_time import LOADS_OF_A_START
from ..observability.args import Observability
from ..observability.watch import AlarmThresholds, ServiceObjective
from ..rollouts.kinds import BLUE_GREEN, CANARY, ROLLING
from ..spec import InferenceServiceSpec
from . import limits
from .args import Architecture, Balancing, ContainerInsights, Egress, ScalingSchedule

# A list whose items, or which as a whole, may be known only later.
SubnetIds = (
    tuple[pulumi.Input[str], ...]
    | Awaitable[list[pulumi.Input[str]]]
    | pulumi.Output[list[pulumi.Input[str]]]
)

_LEAST_GRACE_SECONDS = 60
_FETCH_GRACE_SECONDS = 600
_LEAST_DRAIN_SECONDS = 10
# Of the load balancer's own checks: how often they ask, and how many failures take a task out.
TARGET_CHECK_SECONDS = 10
FAILED_TARGET_CHECKS = 3
# From a stop's SIGTERM until the load balancer sends no more at the latest: ECS may deregister the task only
# afterwards (github.com/aws/containers-roadmap/issues/2673, of Spot), and then failed checks take it out, the
# last of which may need half a period for its answer.
LISTEN_ON_SECONDS = FAILED_TARGET_CHECKS * TARGET_CHECK_SECONDS + TARGET_CHECK_SECONDS // 2
# Between the drain's end and the kill.
STOP_MARGIN_SECONDS = 10
_IDLE_MARGIN_SECONDS = 10
_LEAST_IDLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FargateSpec:
    """The arguments of one Fargate service, checked by rules.checked_spec.

    service, jobs: as on every target. None and '': not given. given: names of the arguments that were.
    """

    service: InferenceServiceSpec
    jobs: JobsSpec
    given: frozenset[str]
    image_ref: pulumi.Input[str] = argument("")
    region: str = argument("")
    api_key: pulumi.Input[str] | None = argument(None, hidden=True)
    secret_values: Mapping[str, pulumi.Input[str]] = argument({}, hidden=True)
    architecture: Architecture = argument(Architecture.X86_64)
    ephemeral_storage_gib: float = argument(limits.STORAGE_INCLUDED_GIB)
    cluster_arn: pulumi.Input[str] | None = argument(None)
    container_insights: ContainerInsights = argument(ContainerInsights.DISABLED)
    execution_role_arn: pulumi.Input[str] | None = argument(None)
    task_role_arn: pulumi.Input[str] | None = argument(None)
    vpc_id: pulumi.Input[str] | None = argument(None)
    subnet_ids: SubnetIds = argument(())
    task_subnet_ids: SubnetIds = argument(())
    internal: bool = argument(default=False)
    assign_public_ip: bool = argument(derived=lambda spec: spec.task_subnet_ids == () and not spec.internal)
    zones: tuple[str, ...] = argument(derived=lambda spec: (f"{spec.region}a", f"{spec.region}b"))
    vpc_cidr: str = argument("10.0.0.0/16")
    egress: Egress = argument(Egress.PUBLIC_ADDRESS)
    listener_arn: pulumi.Input[str] | None = argument(None)
    listener_security_group_id: pulumi.Input[str] | None = argument(None)
    listener_paths: tuple[pulumi.Input[str], ...] = argument(())
    listener_priority: float | None = argument(None)
    domain: str = argument("")
    certificate_arn: pulumi.Input[str] | None = argument(None)
    dual_stack: bool = argument(default=False)
    allowed_cidrs: tuple[str, ...] = argument(())
    rollout: str = argument(ROLLING)
    canary_percent: float | None = argument(None)
    bake_minutes: float | None = argument(None)
    rollback_on: tuple[str, ...] = argument(())
    idle_timeout_seconds: float = argument(derived=lambda spec: _idle_timeout(spec.service))
    slow_start_seconds: float = argument(0)
    balancing: Balancing = argument(derived=lambda spec: _balancing_for(spec.slow_start_seconds))
    spot_percent: float = argument(0)
    on_demand_base: float = argument(1)
    cpu_target_percent: float = argument(60)
    request_seconds: float | None = argument(None)
    requests_per_replica: float | None = argument(None)
    schedules: tuple[ScalingSchedule, ...] = argument(())
    log_retention_days: float = argument(30)
    traces: str = argument("off")
    observability: Observability = argument(Observability.BASIC)
    alert_email: str = argument("")
    objective: ServiceObjective = argument({})
    thresholds: Mapping[str, AlarmThresholds] = argument({})
    runbooks_url: str = argument("")
    worker_spot: bool = argument(default=False)
    deletion_protection: bool = argument(default=True)

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; the caller has checked the types, and nothing else is checked here."""
        service = InferenceServiceSpec.read(name, {"min_replicas": 1, **args})
        jobs = JobsSpec.read(args, service)
        return read_into(cls, args, service=service, jobs=jobs, given=frozenset(args))

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def own_network(self) -> bool:
        return self.vpc_id is None

    @property
    def own_balancer(self) -> bool:
        return self.listener_arn is None

    @property
    def has_alternate(self) -> bool:
        """Return whether the service has a second target group, which traffic shifts to and from.

        With `rolling` that is given, tasks are in both, so that it does not matter which one gets requests.
        """
        return self.own_balancer and "rollout" in self.given

    @property
    def shifts_traffic(self) -> bool:
        """Return whether ECS moves the traffic between the target groups, by the weights of a rule."""
        return self.rollout in (CANARY, BLUE_GREEN)

    @property
    def bakes_minutes(self) -> int:
        """Return for how long the new version is watched; 0 if it is not."""
        return int(self.bake_minutes or limits.DEFAULT_BAKE_MINUTES) if self.shifts_traffic else 0

    @property
    def scales(self) -> bool:
        """Return whether the autoscaler sets the number of tasks."""
        return self.service.max_replicas > self.service.min_replicas or bool(self.schedules)

    @property
    def is_fetched(self) -> bool:
        """Return whether the model comes over the network at start, which then takes longer than measured."""
        return self.service.address.is_in_bucket

    @property
    def drain_seconds(self) -> int:
        """Return how long the server goes on after SIGTERM, within what ECS allows.

        It takes requests until the load balancer sends no more, and then finishes them within their timeout.
        """
        longest = limits.STOP_SECONDS - STOP_MARGIN_SECONDS
        finishing = max(math.ceil(self.service.request_timeout_seconds), _LEAST_DRAIN_SECONDS)
        return min(LISTEN_ON_SECONDS + finishing, longest)

    @property
    def stop_seconds(self) -> int:
        return self.drain_seconds + STOP_MARGIN_SECONDS

    @property
    def grace_seconds(self) -> int:
        """Return the time before a task that is not ready counts as unhealthy.

        Three times the load, and time to fetch.
        """
        fetching = _FETCH_GRACE_SECONDS if self.is_fetched else 0
        return self._patience_seconds + fetching

    @property
    def start_period_seconds(self) -> int:
        """Return the time before a failed check of the container itself counts; ECS has a maximum."""
        return min(self._patience_seconds, limits.HEALTH_START_SECONDS[-1])

    @property
    def _patience_seconds(self) -> int:
        return max(math.ceil(LOADS_OF_A_START * self.service.load_seconds), _LEAST_GRACE_SECONDS)

    @property
    def deregistration_seconds(self) -> int:
        """Return how long running requests get before a task is stopped."""
        return math.ceil(self.service.request_timeout_seconds)


def _balancing_for(slow_start_seconds: float) -> Balancing:
    return Balancing.ROUND_ROBIN if slow_start_seconds else Balancing.LEAST_OUTSTANDING_REQUESTS


def _idle_timeout(service: InferenceServiceSpec) -> float:
    """Return the load balancer's idle timeout, which exceeds the request timeout.

    A silent connection may be one that waits for its answer.
    """
    timeout = service.request_timeout_seconds
    return (
        max(math.ceil(timeout) + _IDLE_MARGIN_SECONDS, _LEAST_IDLE_SECONDS) if math.isfinite(timeout) else 60
    )
