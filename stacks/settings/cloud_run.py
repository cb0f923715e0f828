"""The settings of the `cloud-run` target."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from slipway.components.fault import Fault
from slipway.components.google.limits import LEAST_BAKE_MINUTES
from slipway.components.rollouts.counts import DURATION
from slipway.components.rollouts.faults import RolloutArguments, rollout_faults
from slipway.components.rollouts.kinds import ROLLING
from slipway.components.rollouts.rollback_rules import is_readable_from_requests
from slipway.stacks.settings import checks
from slipway.stacks.settings.common import (
    NETWORK,
    SUBNETWORK,
    SUBNETWORKS,
    CloudSettings,
    alert_email_setting,
    google_log_retention_setting,
    kept_images_setting,
    observability_setting,
    project_setting,
    region_setting,
    scanned_images_setting,
)
from slipway.stacks.settings.jobs import WorkerSettings
from slipway.stacks.settings.rollouts import (
    bake_minutes_setting,
    canary_percent_setting,
    rollback_on_setting,
    rollout_setting,
)
from slipway.stacks.settings.setting import setting

_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-load-balancer": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}
_EGRESS = {"private-ranges": "PRIVATE_RANGES_ONLY", "all-traffic": "ALL_TRAFFIC"}
_BY_COMMAND = "`slipway up` reads it, not the program: it moves the requests"
_ENVIRONMENTS = {"gen1": "EXECUTION_ENVIRONMENT_GEN1", "gen2": "EXECUTION_ENVIRONMENT_GEN2"}


@dataclass(frozen=True, kw_only=True)
class CloudRunSettings(CloudSettings, WorkerSettings):
    """The settings of a service on Cloud Run, beyond those of every cloud."""

    specs: ClassVar[tuple[str, ...]] = ("cloud_run.spec.CloudRunSpec",)

    project: str = project_setting()
    region: str = region_setting("europe-west4")
    keep_images: int | None = kept_images_setting()
    scan: bool | None = scanned_images_setting()
    observability: str = observability_setting("Cloud Monitoring")
    alert_email: str = alert_email_setting()
    log_retention: Mapping[str, int] = google_log_retention_setting()
    max_workers: int | None = setting(
        "maxWorkers",
        checks.whole(1, 1000),
        "Maximum number of workers, which is `minWorkers` here: a worker pool does not scale by itself.",
        unit="workers",
        unset="`minWorkers`",
        silent="it is checked alone: more than `minWorkers` is refused",
    )
    jobs_database_instance: str = setting(
        "jobsDatabaseInstance",
        checks.like(r"[a-z0-9.:-]+", "a connection name, `project:region:instance`"),
        "Instance of Cloud SQL that the address in `jobsDatabase` names, to be mounted at /cloudsql.",
        unset="none: the address is reached over a network",
    )
    invokers: tuple[str, ...] = setting(
        "invokers",
        checks.texts('members of Google Cloud IAM, such as ["user:ada@example.com"]'),
        "Who may call a private service.",
    )
    check_invokers: bool | None = setting(
        "checkInvokers",
        checks.flag(),
        "Whether Cloud Run checks who calls; false with `public` where an organisation forbids allUsers.",
    )
    cpu_always: bool | None = setting(
        "cpuAlways",
        checks.flag(),
        "Whether instances keep their CPU between requests.",
        unset="only with a GPU",
    )
    ingress: str = setting("ingress", checks.choice(also=_INGRESS), "Where requests may come from.")
    vpc_network: str = setting(
        "network",
        checks.like(NETWORK, "the name of a network, or projects/<project>/global/networks/<name>"),
        "Network that the service's own requests go through.",
        unset="none",
    )
    vpc_subnetwork: str = setting(
        "subnetwork",
        checks.like(SUBNETWORK, SUBNETWORKS),
        "Subnetwork of `network` in the same region, of /26 or larger.",
        unset="the one with the network's name",
    )
    vpc_egress: str = setting(
        "egress",
        checks.choice(also=_EGRESS),
        "Which of the service's own requests go through `network`.",
        unset="private-ranges with a network",
    )
    model_volume: bool | None = setting(
        "modelDelivery",
        checks.choice(also={"fetch": False, "mount": True}),
        "How a model in a bucket gets into an instance; `mount` takes gs:// without a generation, and serves "
        "what the bucket holds then.",
    )
    gpu_zonal_redundancy: bool | None = setting(
        "gpuZonalRedundancy",
        checks.flag(),
        "Whether the GPU is reserved in a second zone, at a higher price and with a separate quota.",
    )
    rollout: str = rollout_setting()
    canary_percent: int | None = canary_percent_setting(silent=_BY_COMMAND)
    bake_minutes: float | None = bake_minutes_setting(silent=_BY_COMMAND)
    rollback_on: tuple[str, ...] = rollback_on_setting(
        "more than 1 % of failures, a p99 of three times the old version's", silent=_BY_COMMAND
    )
    execution_environment: str = setting(
        "executionEnvironment",
        checks.choice(also=_ENVIRONMENTS),
        "Generation of the sandbox of an instance.",
        unset="gen2; gen1 below one vCPU or 512Mi",
    )
    startup_cpu_boost: bool | None = setting(
        "startupCpuBoost",
        checks.flag(),
        "Whether an instance has more CPU while it starts.",
        unset="only without a GPU",
    )

    @property
    def is_moved_by_command(self) -> bool:
        """Return whether `slipway up` moves the requests to a new revision, and not the program."""
        return self.rollout not in ("", ROLLING)

    def rollout_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with a rollout that `slipway up` does, and watches by Cloud Monitoring."""
        given = RolloutArguments.of(self)
        yield from rollout_faults(given)
        if given.bake_minutes is not None and given.bake_minutes < LEAST_BAKE_MINUTES:
            allowed = f"it must be at least {LEAST_BAKE_MINUTES}: Cloud Monitoring counts by the minute"
            yield Fault("bake_minutes", f"{given.bake_minutes:g}", allowed, nearest=LEAST_BAKE_MINUTES)
        for text in given.rollback_on:
            if not is_readable_from_requests(text):
                allowed = f"allowed are `{DURATION} failures > 1%`, `{DURATION} p99 > 0.5` or `p99 > 3x`"
                reason = ", which Cloud Monitoring does not have"
                yield Fault("rollback_on", repr(text), allowed, reason, verb="has")
