"""The settings of the `fargate` target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.stacks.settings import checks
from slipway.stacks.settings.common import (
    CloudSettings,
    alert_email_setting,
    kept_images_setting,
    observability_setting,
    region_setting,
    scanned_images_setting,
)
from slipway.stacks.settings.jobs import WorkerSettings
from slipway.stacks.settings.rollouts import bake_minutes_setting, canary_percent_setting, rollout_setting
from slipway.stacks.settings.setting import setting

_ARN_OF_A_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+"
_ARN = r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:[!-~]+"


@dataclass(frozen=True, kw_only=True)
class FargateSettings(CloudSettings, WorkerSettings):
    """The settings of a service on ECS Fargate, beyond those of every cloud."""

    specs: ClassVar[tuple[str, ...]] = ("fargate.spec.FargateSpec",)

    region: str = region_setting("eu-west-1")
    gpu: str = setting(
        "gpu",
        checks.like(r"[a-z][a-z0-9-]+", "nothing: ECS Fargate has no GPU"),
        "Accelerator of one instance; refused here.",
        silent="ECS Fargate has no GPU, and its component refuses one",
    )
    concurrency: int | None = setting(
        "concurrency",
        checks.whole(1, 1000),
        "Concurrent requests per instance, which Fargate does not limit.",
        unit="requests",
        unset="no limit",
        silent="Fargate does not limit the requests of a task, and scales by the total that tasks answer",
    )
    keep_images: int | None = kept_images_setting()
    scan: bool | None = scanned_images_setting()
    observability: str = observability_setting("CloudWatch")
    alert_email: str = alert_email_setting()
    certificate_arn: str = setting(
        "certificate",
        checks.like(_ARN, "the ARN of an ACM certificate for `domain`, in the same region"),
        "Certificate for HTTPS on `domain`, with a redirect from HTTP.",
        unset="HTTP only",
    )
    allowed_cidrs: tuple[str, ...] = setting(
        "allowedCidrs",
        checks.texts(
            'networks, such as ["203.0.113.0/24"], prefix lists (pl-…) and security groups (sg-…); networks '
            "of IPv6 with `ipv6`"
        ),
        "Who may call a private service.",
    )
    internal: bool | None = setting(
        "internal", checks.flag(), "Whether the load balancer has private addresses only."
    )
    dual_stack: bool | None = setting(
        "ipv6",
        checks.flag(),
        "Whether the load balancer in `network` has IPv6 addresses too, as each of `subnets` then must.",
    )
    architecture: str = setting(
        "architecture",
        checks.choice(also={"x86_64": "X86_64", "arm64": "ARM64"}),
        "Processor of an instance; the image is built for it.",
    )
    spot_percent: int | None = setting(
        "spotPercent",
        checks.whole(0, 100),
        unit="%",
        description="Share of the instances beyond the first on Spot capacity, which AWS can reclaim.",
    )
    cpu_target_percent: int | None = setting(
        "cpuTarget",
        checks.whole(10, 90),
        unit="%",
        description="CPU use at which instances are added and removed.",
    )
    requests_per_replica: float | None = setting(
        "requestsPerInstance",
        checks.number(0.02, 1e6),
        unit="requests/s",
        description="Requests per second of an instance at which instances are added and removed, besides by "
        "CPU use.",
        unset="70 % of what was measured of the model, else CPU only",
    )
    on_demand_base: int | None = setting(
        "onDemandInstances",
        checks.whole(0, 1000),
        unit="instances",
        description="Instances that are never on Spot capacity.",
    )
    rollout: str = rollout_setting(
        unset="`rolling`, with one target group; written out it keeps a second one, for the way to and from "
        "the others"
    )
    canary_percent: int | None = canary_percent_setting()
    bake_minutes: float | None = bake_minutes_setting(unset="15")
    rollback_on: tuple[str, ...] = setting(
        "rollbackOn",
        checks.texts(
            'signals with an alarm, such as ["availability"], and existing CloudWatch alarms as alarm:<name>'
        ),
        "What takes a canary or a blue-green rollout back.",
        unset="`availability` and `latency`",
    )
    slow_start_seconds: int | None = setting(
        "slowStart",
        checks.whole(0, 900),
        unit="seconds",
        description="Time over which a new instance gets its share of the requests: 0, or 30 and more.",
    )
    worker_spot: bool | None = setting(
        "workerSpot", checks.flag(), "Whether workers run on Spot capacity, which AWS can reclaim."
    )
    schedules: tuple[Mapping[str, Any], ...] = setting(
        "schedule",
        checks.schedules(
            "a map of name to `<schedule> <least>-<most> [<time zone>]`, such as "
            "`cron(0 8 ? * MON-FRI *) 4-20 Europe/Berlin`"
        ),
        "Scheduled changes of the minimum and maximum instances.",
    )
    ephemeral_storage_gib: float | None = setting(
        "ephemeralStorage", checks.size("20Gi to 200Gi"), "Disk of one instance.", unit="bytes"
    )
    zones: tuple[str, ...] = setting(
        "zones",
        checks.texts('availability zones, such as ["eu-west-1a", "eu-west-1b"]'),
        "Zones of the new network, at least two.",
        unset="the region's a and b",
    )
    egress: str = setting(
        "egress",
        checks.choice("public-address", "endpoints"),
        "How the instances of a new network reach AWS: with a public address each, or through VPC endpoints.",
    )
    vpc_id: str = setting(
        "network",
        checks.like(r"vpc-[0-9a-f]+", "the ID of a VPC; `subnets` is then required"),
        "Existing network to run in.",
        unset="a small one is created",
    )
    subnet_ids: tuple[str, ...] = setting(
        "subnets",
        checks.texts("IDs of at least two subnets of `network`"),
        "Subnets of the load balancer, and of the instances without `taskSubnets`.",
    )
    task_subnet_ids: tuple[str, ...] = setting(
        "taskSubnets",
        checks.texts("IDs of subnets of `network`, with a NAT gateway or VPC endpoints"),
        "Subnets of the instances.",
    )
    assign_public_ip: bool | None = setting(
        "publicAddresses",
        checks.flag(),
        "Whether instances in `network` have public addresses, without which a public subnet has no way out.",
        unset="only without `taskSubnets` and `internal`",
    )
    task_role_arn: str = setting(
        "taskRole",
        checks.like(_ARN_OF_A_ROLE, "the ARN of an IAM role"),
        "Existing role of the server, whose rights are not changed.",
        unset="one is created",
    )
    execution_role_arn: str = setting(
        "executionRole",
        checks.like(_ARN_OF_A_ROLE, "the ARN of an IAM role"),
        "Existing role that starts the instances, whose rights are not changed.",
        unset="one is created",
    )
    listener_arn: str = setting(
        "listener",
        checks.like(
            _ARN, "the ARN of an HTTPS listener in `network`; needs `domain` and `listenerSecurityGroup`"
        ),
        "Existing load balancer to share.",
        unset="one is created",
    )
    listener_security_group_id: str = setting(
        "listenerSecurityGroup",
        checks.like(r"sg-[0-9a-f]+", "the ID of that load balancer's security group"),
        "Security group that may reach the instances.",
    )
    listener_paths: tuple[str, ...] = setting(
        "listenerPaths",
        checks.texts('up to four paths, such as ["/predict", "/v1/*"], * and ? in them'),
        "Paths of `domain` that go to the service on a shared listener.",
        unset="all",
    )
    listener_priority: int | None = setting(
        "listenerPriority",
        checks.whole(1, 50000),
        "Priority of the service's rule on a shared listener.",
        unset="the next free one",
    )
    cluster_arn: str = setting(
        "cluster",
        checks.like(_ARN, "the ARN of an ECS cluster with the capacity providers FARGATE and FARGATE_SPOT"),
        "Existing cluster to run in.",
        unset="one is created",
    )
    container_insights: str = setting(
        "containerInsights",
        checks.choice("disabled", "enabled", "enhanced"),
        "What CloudWatch measures of a new cluster, billed per metric.",
    )
    log_retention_days: int | None = setting(
        "logRetentionDays",
        checks.Check(
            "integer",
            "0 to 3653, of the numbers that CloudWatch offers",
            checks.whole(0, 3653).parse,
            None,
        ),
        "Days to keep the log; 0 keeps it forever.",
        unit="days",
    )
