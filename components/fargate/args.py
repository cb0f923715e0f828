"""The arguments of a Fargate service, beyond those of every target. Memory in GiB, times in seconds."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from ..jobs.args import WorkersArgs
from ..observability.args import WatchedServiceArgs


class Architecture(Enum):
    """The processor of a task."""

    X86_64 = "X86_64"
    """64-bit x86; the image is for linux/amd64."""
    ARM64 = "ARM64"
    """64-bit Arm (Graviton), a fifth cheaper; the image is for linux/arm64."""


class ContainerInsights(Enum):
    """What CloudWatch measures of a cluster that is created here; billed per metric."""

    DISABLED = "disabled"
    """CPU and memory of the service only, which cost nothing."""
    ENABLED = "enabled"
    """Also of clusters and tasks."""
    ENHANCED = "enhanced"
    """Also of each container."""


class Egress(Enum):
    """How the tasks of a network that is created here reach AWS; neither way has a NAT gateway."""

    PUBLIC_ADDRESS = "public-address"
    """Each task has a public IPv4 address; its security group admits only the load balancer."""
    ENDPOINTS = "endpoints"
    """Private subnets without access to the internet, and VPC endpoints for what a task needs of AWS."""


class Balancing(Enum):
    """How the load balancer chooses the task for the next request."""

    LEAST_OUTSTANDING_REQUESTS = "least_outstanding_requests"
    """The task with the fewest requests in progress."""
    ROUND_ROBIN = "round_robin"
    """Each in turn; needed for `slow_start_seconds`."""


class ScalingSchedule(TypedDict):
    """A scheduled change of the minimum and maximum number of instances."""

    name: str
    """Name of the schedule, unique in its service: lowercase letters, digits and hyphens."""
    schedule: str
    """When: `cron(<six fields>)`, `rate(<number> <unit>)` or `at(<yyyy-mm-ddThh:mm:ss>)`."""
    timezone: NotRequired[str]
    """Time zone of `cron` and `at`, such as `Europe/Berlin`. Default UTC."""
    min_replicas: int
    """Minimum number of instances from then on."""
    max_replicas: int
    """Maximum number of instances from then on."""


class FargateServiceArgs(WatchedServiceArgs, WorkersArgs):
    """The arguments of one inference service on ECS Fargate."""

    image_ref: pulumi.Input[str]
    """Image with its digest, `host/repository@sha256:<64 hex digits>`, for the `architecture`."""
    region: str
    """AWS region of everything that is created, for example `eu-west-1`."""
    api_key: NotRequired[pulumi.Input[str]]
    """Bearer key of the service, 16 to 4096 printable ASCII characters. One is created when none is given."""
    secret_values: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment name -> value, kept in Secrets Manager. `secrets` takes references to existing ones:
    `arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>:::<version id>`."""
    architecture: NotRequired[Architecture]
    """Processor of a task. Default x86-64."""
    ephemeral_storage_gib: NotRequired[int]
    """Disk of a task in GiB: 20, which is included, or 21 to 200. Default 20."""
    cluster_arn: NotRequired[pulumi.Input[str]]
    """Existing cluster with the capacity providers FARGATE and FARGATE_SPOT. Default: one is created."""
    container_insights: NotRequired[ContainerInsights]
    """What CloudWatch measures of a new cluster. Default disabled."""
    execution_role_arn: NotRequired[pulumi.Input[str]]
    """Existing role that starts tasks; its rights are not changed. Default: a new role for this service."""
    task_role_arn: NotRequired[pulumi.Input[str]]
    """Existing role of the server; its rights are not changed. Default: a new role for this service."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """Existing VPC, which requires `subnet_ids`. Default: a small one is created."""
    subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Its subnets in at least two zones, for the load balancer, and without `task_subnet_ids` for the tasks
    too."""
    task_subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Subnets of the tasks, with a NAT gateway or VPC endpoints. Default `subnet_ids`."""
    assign_public_ip: NotRequired[bool]
    """Whether tasks in existing subnets get a public address, without which a public subnet has no way out.
    Default: true without `task_subnet_ids`, false with them or if `internal`."""
    zones: NotRequired[list[str]]
    """Availability zones of a new network, at least two. Default the region's `a` and `b`; required where
    many accounts lack one of them."""
    vpc_cidr: NotRequired[str]
    """Addresses of a new network, a private IPv4 range of /16 to /22. Default `10.0.0.0/16`."""
    egress: NotRequired[Egress]
    """How the tasks of a new network reach AWS. Default: with a public address each."""
    listener_arn: NotRequired[pulumi.Input[str]]
    """Existing HTTPS listener of an Application Load Balancer in `vpc_id`. Default: one is created."""
    listener_security_group_id: NotRequired[pulumi.Input[str]]
    """Security group of that load balancer, which the tasks admit. Required with `listener_arn`."""
    listener_paths: NotRequired[list[pulumi.Input[str]]]
    """Paths of `domain` that go to the service on an existing listener, such as `/predict`. Default all."""
    listener_priority: NotRequired[int]
    """Priority of its rule there, 1 to 50000. Default the next free one."""
    internal: NotRequired[bool]
    """Whether a new load balancer has private addresses only. Default false."""
    domain: NotRequired[str]
    """Custom domain, such as `api.example.com`; its DNS needs the records in `domain_records`."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """ACM certificate of `domain`: HTTPS, and a redirect from HTTP. Default none: HTTP."""
    dual_stack: NotRequired[bool]
    """Whether a new load balancer in an existing VPC has IPv6 addresses too; each of `subnet_ids` then needs
    an IPv6 range. Default false."""
    allowed_cidrs: NotRequired[list[str]]
    """Who may call a private service: networks, such as `203.0.113.0/24`, of IPv6 only with `dual_stack`,
    prefix lists (`pl-…`) and security groups (`sg-…`). Default none."""
    rollout: NotRequired[str]
    """How a new version takes over: `rolling`, task by task; `canary`, a share of the requests first; or
    `blue-green`, all of them at once, with the old tasks ready to take them back. The last two need a load
    balancer of the service's own, and give the service a second target group and ECS a role for its rule.
    `rolling` that is given keeps the second group, so that the way to and from the others has no gap. Default
    rolling, with one target group."""
    canary_percent: NotRequired[int]
    """Share of the requests that a canary gets. Default 10."""
    bake_minutes: NotRequired[int]
    """Whole minutes for which a canary, or the new version of a blue-green rollout, is watched before the
    rollout is complete. Default 15."""
    rollback_on: NotRequired[list[str]]
    """What takes a canary or a blue-green rollout back: signals with an alarm, such as `availability`, and
    existing CloudWatch alarms as `alarm:<name>`. Default the signals `availability` and `latency`."""
    idle_timeout_seconds: NotRequired[int]
    """Seconds after which the load balancer drops a silent connection. Default 10 above the request's."""
    slow_start_seconds: NotRequired[int]
    """Seconds over which a new task gets its share of requests: 0, or 30 to 900. Default 0."""
    balancing: NotRequired[Balancing]
    """Which task gets the next request. Default least outstanding; round robin with a slow start."""
    spot_percent: NotRequired[int]
    """Share of the tasks above `on_demand_base` on Spot capacity, which AWS can reclaim. Default 0."""
    on_demand_base: NotRequired[int]
    """Tasks that are never on Spot. Default 1."""
    cpu_target_percent: NotRequired[int]
    """CPU use at which tasks are added and removed. Default 60."""
    request_seconds: NotRequired[float]
    """Measured seconds per request while `concurrency` are in progress. With it tasks are also added by
    requests: at 70 % of what they can answer. Default unknown: by CPU only."""
    requests_per_replica: NotRequired[float]
    """Requests per second of a task at which tasks are added and removed, for where somebody
    knows it; not with `request_seconds`. Default unknown."""
    schedules: NotRequired[list[ScalingSchedule]]
    """Scheduled changes of the minimum and maximum instances. Default none."""
    log_retention_days: NotRequired[int]
    """Days that CloudWatch keeps the log. Default 30."""
    traces: NotRequired[str]
    """Where spans of traces go: `off`, `cloud` (X-Ray, by a collector that takes 128 MiB of the task), or
    the address of an OTLP collector, such as `http://tempo:4318`. The image needs the build argument OTLP.
    Default off."""
    worker_spot: NotRequired[bool]
    """Whether workers run on Spot capacity, which AWS can reclaim; their jobs are then taken up by others.
    Default false."""
    deletion_protection: NotRequired[bool]
    """Refuse to delete the service and the database of its jobs, until an `up` with false. Default true."""
