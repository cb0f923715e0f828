"""Asks Google Cloud about a Cloud Run service through `gcloud`, the person's own login; changes nothing."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.resources.google import CLOUD_RUN
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.batch_run import BatchOrder, BatchRun
from slipway.infra.targets.clock import CLOCK
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_batch import CloudRunBatch
from slipway.infra.targets.cloud_run_place import GCLOUD, CloudRunPlace
from slipway.infra.targets.cloud_run_releases import CloudRunReleases
from slipway.infra.targets.cloud_run_rollout import CloudRunRollout, RolloutPlan
from slipway.infra.targets.cloud_run_traffic import ANNOTATION
from slipway.infra.targets.cloud_run_workers import jobs_of, log_filter, takes_jobs
from slipway.infra.targets.model_interface import interface_of
from slipway.infra.targets.pulumi_state import read_into_state
from slipway.infra.targets.registry import target_of
from slipway.infra.targets.rollout_record import Rollouts
from slipway.infra.targets.status import Status, declared_device
from slipway.infra.targets.target import CloudTarget, CommandRollout, Say
from slipway.stacks.settings.cloud_run import CloudRunSettings
from slipway.stacks.settings.common import Settings


def cloud_run_status(stack: str, place: CloudRunPlace) -> Status:
    """Read the service's current status. Raises Refused without gcloud, Failed if gcloud cannot read it."""
    done = GCLOUD(["run", "services", "describe", *place.flags, "--format", "json"])
    if done.returncode:
        if "NOT_FOUND" in done.stderr or "Cannot find service" in done.stderr:
            return Status(stack, "cloud-run", "stopped", reason=f"{place.project} has no {place.service}.")
        raise Failed(GCLOUD.said(done))
    service = GCLOUD.object_of(done.stdout)
    state, reason = _state(service)
    last = Rollouts.read(str(at(service, "metadata", "annotations").get(ANNOTATION, ""))).last
    container = at(service, "spec", "template", "spec", "containers", 0)
    environment = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    limits = at(container, "resources", "limits")
    gpu = at(service, "spec", "template", "spec", "nodeSelector").get("run.googleapis.com/accelerator", "")
    return Status(
        stack=stack,
        target="cloud-run",
        state=state,
        url=at(service, "status").get("url"),
        limits=dict(limits) or None,
        started_at=at(service, "metadata").get("creationTimestamp"),
        model=environment.get("MODEL_SOURCE") or container.get("image"),
        version=at(service, "status").get("latestReadyRevisionName"),
        release=_serving(service),
        rollout=last.to_status(CLOCK.now()) if last else None,
        device=declared_device(environment, limits.get("nvidia.com/gpu"), gpu) if state == "ready" else None,
        reason=reason,
        jobs=jobs_of(place) if takes_jobs(container) else None,
    )


def cloud_run_logs(place: CloudRunPlace, tail: int) -> Iterator[str]:
    """Yield the last `tail` log entries, oldest first, one JSON object per line; also those of workers."""
    limit = ["--limit", str(max(tail, 1)), "--format", "json"]
    if place.jobs:
        done = GCLOUD(["logging", "read", log_filter(place), "--project", place.project, *limit])
    else:
        done = GCLOUD(["run", "services", "logs", "read", *place.flags, *limit])
    if done.returncode:
        raise Failed(GCLOUD.said(done))
    entries: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    for entry in reversed(entries[:tail]):
        payload = entry.get("jsonPayload") or {"message": entry.get("textPayload", "")}
        # Google takes the level out of the line.
        level = {"severity": entry["severity"]} if "severity" in entry else {}
        line = {"time": entry.get("timestamp"), **level, **payload}
        yield json.dumps(line, ensure_ascii=False) + "\n"


def following(place: CloudRunPlace) -> list[str]:
    """Return the command that follows the log; with workers, that of all lines of both."""
    if place.jobs:
        tail = ["beta", "logging", "tail", log_filter(place), "--project", place.project]
        return [GCLOUD.path, *tail, "--format", "json"]
    return [GCLOUD.path, "beta", "run", "services", "logs", "tail", *place.flags]


def _serving(service: Mapping[str, Any]) -> str | None:
    """Return the revision with most of the requests."""
    traffic = cast("list[dict[str, Any]]", at(service, "status").get("traffic", []))
    most = max(traffic, key=lambda each: int(each.get("percent") or 0), default=dict[str, Any]())
    return str(most["revisionName"]) if most.get("revisionName") else None


def _state(service: Mapping[str, Any]) -> tuple[str, str | None]:
    """Knative's Ready condition: True, False with a message, or Unknown while a revision is starting."""
    conditions = cast("list[dict[str, Any]]", at(service, "status").get("conditions", []))
    nothing: dict[str, Any] = {}
    ready = next((found for found in conditions if found.get("type") == "Ready"), nothing)
    states = {"True": "ready", "False": "failed"}
    state = states.get(ready.get("status", ""), "starting")
    return state, None if state == "ready" else ready.get("message")


class CloudRun(CloudTarget[CloudRunPlace]):
    """A managed service of Google Cloud."""

    name = "cloud-run"

    def how_to_roll_back(self, config: StackConfig) -> str:
        place = self.place_of(config)
        return (
            f"`gcloud run services update-traffic {place.service} --to-revisions=REVISION=100 --project "
            f"{place.project} --region {place.region}` gives an earlier revision every request until the "
            f"next `up` (`slipway releases {config.stack}` lists them)"
        )

    def caller_headers(self, settings: Settings, url: str) -> dict[str, str]:
        if settings.is_public:
            return {}
        done = GCLOUD(["auth", "print-identity-token"])
        if done.returncode:  # a service account's token is for one audience; a person's takes none
            done = GCLOUD(["auth", "print-identity-token", f"--audiences={url}"])
        if done.returncode:
            raise Refused(f"a private service needs a login. {GCLOUD.said(done)}")
        return {"X-Serverless-Authorization": f"Bearer {done.stdout.strip()}"}

    def command_rollout(self, config: StackConfig, again: bool, say: Say) -> CommandRollout | None:
        settings = self._settings(config)
        if not settings.is_moved_by_command or list(settings.rollout_faults()):  # the program refuses those
            return None
        plan = RolloutPlan.of(settings)
        remember = partial(read_into_state, config.stack, CLOUD_RUN, say)
        interface = interface_of(config.stack, settings)
        return CloudRunRollout(
            *(config.stack, self.place_of(config), plan, say, remember), interface=interface, again=again
        )

    def releases(self, config: StackConfig) -> list[dict[str, Any]]:
        return CloudRunReleases(config.stack, self.place_of(config)).listed()

    def promote(self, config: StackConfig) -> dict[str, Any]:
        return self._releases(config).promote()

    def pause(self, config: StackConfig) -> dict[str, Any]:
        return self._releases(config).pause()

    def roll_back(
        self, config: StackConfig, release: str | None, secrets: bool, settings: bool, say: Say
    ) -> tuple[str, str]:
        done = self._releases(config).roll_back(release, secrets, settings)
        read_into_state(config.stack, CLOUD_RUN, say)
        return done

    def batch(self, config: StackConfig, order: BatchOrder, say: Say) -> BatchRun:
        if order.spot:
            raise Refused("Cloud Run has no Spot capacity: leave `--spot` out.")
        return CloudRunBatch(self.place_of(config), order, say)

    def _releases(self, config: StackConfig) -> CloudRunReleases:
        """Return the releases. Raises Refused where the program says who gets the requests."""
        if not self._settings(config).is_moved_by_command:
            raise Refused(
                f"{self._elsewhere(config)} With `rollout: canary` or `blue-green` slipway moves them."
            )
        return CloudRunReleases(config.stack, self.place_of(config))

    def _settings(self, config: StackConfig) -> CloudRunSettings:
        settings = settings_from(config)
        assert isinstance(settings, CloudRunSettings)
        return settings

    def place(self, service: str, settings: Settings) -> CloudRunPlace:
        assert isinstance(settings, CloudRunSettings)
        return CloudRunPlace(service, settings.project, settings.region, bool(settings.jobs))

    def status_at(self, stack: str, place: CloudRunPlace) -> Status:
        return cloud_run_status(stack, place)

    def log_at(self, place: CloudRunPlace, tail: int) -> Iterator[str]:
        return cloud_run_logs(place, tail)

    def following(self, place: CloudRunPlace) -> list[str]:
        return following(place)


TARGET = CloudRun()


def cloud_run_place(config: StackConfig) -> CloudRunPlace:
    """Return the location of a Cloud Run stack's service. Raises Refused for a stack of another target."""
    target = target_of(config)
    if target is not TARGET:
        raise Refused(f"Stack {config.stack} has the target {target.name}; this is for {TARGET.name}.")
    return TARGET.place_of(config)
