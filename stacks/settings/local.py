"""The settings of the `local` target."""

from dataclasses import dataclass
from typing import ClassVar

from slipway.components.tasks import DEFAULT_TASK, TASKS
from slipway.stacks.settings import checks
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.jobs import JobSettings
from slipway.stacks.settings.rollouts import (
    bake_minutes_setting,
    canary_percent_setting,
    rollback_on_setting,
    rollout_setting,
)
from slipway.stacks.settings.setting import setting


@dataclass(frozen=True, kw_only=True)
class LocalSettings(JobSettings, Settings):
    """The settings of a service on this machine."""

    specs: ClassVar[tuple[str, ...]] = ("spec.InferenceServiceSpec", "local.args.LocalSpec")

    task: str = setting(
        "task",
        checks.choice(*TASKS),
        "What the model does.",
        default=DEFAULT_TASK,
        silent="the model's manifest says it, and another task is refused",
    )
    min_replicas: int | None = setting(
        "minInstances",
        checks.whole(0, 1000),
        "Instances that always run.",
        unit="instances",
        silent="this machine runs one process; the clouds scale",
    )
    max_replicas: int | None = setting(
        "maxInstances",
        checks.whole(1, 1000),
        "Maximum number of instances.",
        unit="instances",
        silent="this machine runs one process; the clouds scale",
    )
    port: int = setting("port", checks.whole(1024, 65535), "Port on 127.0.0.1.", default="8000")
    rollout: str = rollout_setting()
    canary_percent: int | None = canary_percent_setting()
    bake_minutes: float | None = bake_minutes_setting()
    rollback_on: tuple[str, ...] = rollback_on_setting(
        "more than 1 % of failures, a p99 of three times the old version's, 90 % of the memory limit"
    )
    smoke_tests: str = setting(
        "smokeTests",
        checks.like(r"[^\0-\x1f]+", "the path of a file, such as smoke.jsonl"),
        "File of requests and expected answers, one JSON object in each line, that a new version must pass "
        "before it gets requests.",
        unset="the model's own example alone",
    )
    runtime: str = setting(
        "runtime",
        checks.choice("process", "container"),
        default="process",
        description="How the server runs: as a process, or in a container by `pulumi up` and Docker.",
    )
