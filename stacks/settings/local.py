"""The settings of the `local` target."""

from dataclasses import dataclass
from typing import ClassVar

from slipway.components.local.kinds import KINDS, MOST_BAKE_MINUTES
from slipway.components.tasks import DEFAULT_TASK, TASKS
from slipway.stacks.settings import checks
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.setting import setting


@dataclass(frozen=True, kw_only=True)
class LocalSettings(Settings):
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
    rollout: str = setting(
        "rollout",
        checks.choice(*KINDS),
        "How a new version takes over: `rolling`, when it passed its smoke test; `canary`, a share of the "
        "requests first; `blue-green`, all of them, with the old version ready to take them back.",
    )
    canary_percent: int | None = setting(
        "canaryPercent",
        checks.whole(1, 99),
        "Share of the requests that a new version gets, with `rollout: canary`.",
        unit="%",
        unset="10",
    )
    bake_minutes: float | None = setting(
        "bakeMinutes",
        checks.number(0.1, MOST_BAKE_MINUTES),
        "Time for which a canary or a blue-green rollout is watched before it is complete.",
        unit="minutes",
        unset="5",
    )
    rollback_on: tuple[str, ...] = setting(
        "rollbackOn",
        checks.texts(
            'rules over the server\'s metrics, such as ["http_server_request_duration_seconds p99 > 3x"]'
        ),
        "Rules by which a canary or a blue-green rollout goes back.",
        unset="more than 1 % of failures, a p99 of three times the old version's, 90 % of the memory limit",
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
