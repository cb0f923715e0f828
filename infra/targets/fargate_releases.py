"""The releases of a Fargate stack: its task definitions, in what they run and what became of them.

Everything is read from ECS and from tags of the task definitions, so that every machine knows the same.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from slipway.components.image_reference import ImageReference
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.fargate_cli import AWS, FargatePlace, answer, objects_at
from slipway.infra.targets.fargate_deployments import (
    COMMIT,
    GOING_BACK,
    UNDER_WAY,
    WENT,
    WENT_BACK,
    EcsDeployment,
    TaskRelease,
    kept_releases,
    newest_deployment,
    revision_of,
)
from slipway.infra.targets.fargate_jobs import roll_back_workers

_POLL_SECONDS = 5
# A release that comes back starts its tasks anew, and with an own network pulls its image again.
_WAIT_SECONDS = 1800
_OF_EVERY_STRATEGY = ("maximumPercent", "minimumHealthyPercent")
_TAKEN_BACK = "taken back by slipway rollback"
# docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags
_NOT_IN_A_TAG = re.compile(r"[^\w +\-=.:/@]+")
_TAG_CHARACTERS = 256


def listed(place: FargatePlace) -> list[dict[str, Any]]:
    """Return the releases that are kept, the newest first, as JSON. Raises Refused and Failed."""
    newest = newest_deployment(place)
    serving = revision_of(serving_task(place))
    return [_as_json(each, serving, newest) for each in kept_releases(place)]


def _as_json(release: TaskRelease, serving: str, newest: EcsDeployment | None) -> dict[str, Any]:
    share = 100.0 if release.name == serving else 0.0
    if newest and newest.status in UNDER_WAY and newest.release != serving:
        share = {newest.release: newest.percent, serving: 100 - newest.percent}.get(release.name, 0.0)
    return {
        "release": release.name,
        "commit": release.tags.get(COMMIT) or None,
        "version": release.image,
        "model": release.environment("MODEL_SOURCE") or release.image,
        "model_version": release.environment("EXPECTED_MODEL") or None,
        "created_at": _seconds(release.task.get("registeredAt")),
        "served_from": None,
        "served_until": None,
        "percent": share,
        "repeats": None,
        "went_back": release.went_back or None,
        "lost": _lost(release),
    }


def _seconds(when: Any) -> float:
    """Return a time of `aws` as seconds since the epoch; version 1 writes numbers, version 2 ISO 8601."""
    if isinstance(when, int | float):
        return float(when)
    try:
        return datetime.fromisoformat(str(when)).timestamp()
    except ValueError:
        return 0.0


def _lost(release: TaskRelease) -> str | None:
    """Return what of a release is no longer there; None where nothing is, or where that is not known."""
    image = ImageReference.parse(release.image)
    repository = image.ecr_repository if image else None
    if image is None or repository is None:
        return None
    asked = ["ecr", "describe-images", "--registry-id", repository.account]
    asked += ["--repository-name", repository.name]
    asked += ["--image-ids", f"imageDigest={image.digest}"]
    done = AWS([*asked, "--region", repository.region, "--output", "json"])
    if done.returncode and "ImageNotFoundException" in done.stderr:
        return f"its image {image.digest[:19]} is deleted"
    return None


def old_releases(place: FargatePlace, keep: int) -> list[str]:
    """Return the task definitions that nothing runs and that are not among the newest, oldest first."""
    family = ["--family-prefix", place.service, "--status", "ACTIVE", "--sort", "ASC"]
    listed = answer(place, ["ecs", "list-task-definitions", *family])
    arns = [str(arn) for arn in cast("list[Any]", listed.get("taskDefinitionArns") or [])]
    mine = [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == place.service]
    newest, now = newest_deployment(place), serving_task(place)
    in_use = {now, newest.task if newest else now}
    return [arn for arn in mine[:-keep] if arn not in in_use]


def deregister(place: FargatePlace, tasks: Sequence[str]) -> None:
    """Take task definitions out of use for good. Raises Failed at the first one that ECS keeps."""
    for task in tasks:
        answer(place, ["ecs", "deregister-task-definition", "--task-definition", task])


def serving_task(place: FargatePlace) -> str:
    """Return the task definition that the service is to run. Raises Refused where there is no service."""
    asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.service]
    services = [each for each in objects_at(answer(place, asked), "services") if each["status"] == "ACTIVE"]
    if not services:
        raise Refused(f"{place.region} has no service {place.service}.")
    return str(services[0]["taskDefinition"])


def mark(place: FargatePlace, task: str, tags: Mapping[str, str]) -> None:
    """Write tags on a task definition. Raises Failed."""
    written = [f"key={key},value={tag_value(value)}" for key, value in tags.items()]
    _done(place, ["ecs", "tag-resource", "--resource-arn", task, "--tags", *written])


def unmark(place: FargatePlace, task: str) -> None:
    """Forget that a release was taken back. Raises Failed."""
    _done(place, ["ecs", "untag-resource", "--resource-arn", task, "--tag-keys", WENT_BACK])


def tag_value(text: str) -> str:
    return _NOT_IN_A_TAG.sub(" ", text).strip()[:_TAG_CHARACTERS]


def roll_back(
    place: FargatePlace,
    release: str | None,
    secrets: bool,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, str]:
    """End the rollout that is under way, or run an earlier release; return what left and what serves.

    secrets: allow a release that has other secrets than today's. Raises Refused and Failed.
    """
    newest = newest_deployment(place)
    if newest and newest.status in UNDER_WAY and release is None:
        return _stop(place, newest, say, sleep)
    if newest and newest.status in UNDER_WAY | GOING_BACK:
        raise Refused(
            f"A rollout of release {newest.release} is under way; `slipway rollback` without a release ends "
            "it."
        )
    kept, now = kept_releases(place), serving_task(place)
    left = next((each for each in kept if each.arn == now), None)
    wanted = _wanted(kept, revision_of(now), release)
    if left and dict(left.secrets) != dict(wanted.secrets) and not secrets:
        raise Refused(
            f"Release {wanted.name} runs with other versions of its secrets than today's: a task definition "
            "names them. --secrets brings them back too."
        )
    say(f"Starting release {wanted.name}")
    _run(place, wanted.arn)
    _await(place, wanted.arn, say, sleep)
    mark(place, now, {WENT_BACK: _TAKEN_BACK})
    if wanted.went_back:
        unmark(place, wanted.arn)
    roll_back_workers(place, wanted.image, say)
    return revision_of(now), wanted.name


def _wanted(kept: Sequence[TaskRelease], now: str, release: str | None) -> TaskRelease:
    """Return the release to bring back: the one that was asked for, or the newest before that is whole."""
    if release == now:
        raise Refused(f"Release {now} serves already.")
    if release is not None:
        found = next((each for each in kept if each.name == release), None)
        if found is None:
            names = ", ".join(each.name for each in kept)
            raise Refused(f"There is no release {release}; kept are {names}.")
        if lost := _lost(found):
            raise Refused(f"Release {release} cannot come back: {lost}.")
        return found
    for each in kept:
        is_earlier = each.name.isdigit() and now.isdigit() and int(each.name) < int(now)
        if is_earlier and not each.went_back and not _lost(each):
            return each
    raise Refused(f"There is no earlier release than {now} that is kept and did not go back.")


def _stop(
    place: FargatePlace, newest: EcsDeployment, say: Callable[[str], None], sleep: Callable[[float], None]
) -> tuple[str, str]:
    say(f"Ending the rollout of release {newest.release}")
    stop = ["ecs", "stop-service-deployment", "--service-deployment-arn", newest.arn]
    answer(place, [*stop, "--stop-type", "ROLLBACK"])
    deadline = time.monotonic() + _WAIT_SECONDS
    while (found := newest_deployment(place)) and found.status not in WENT:
        if found.status == "SUCCESSFUL":
            raise Failed(f"Release {newest.release} serves: its rollout was complete before it was stopped.")
        if time.monotonic() > deadline:
            raise Failed(f"ECS still takes release {newest.release} back; `slipway status` shows how far.")
        sleep(_POLL_SECONDS)
    if found and found.status == "ROLLBACK_FAILED":
        raise Failed(
            f"ECS could not take release {newest.release} back: {found.reason or 'it says no more'}."
        )
    mark(place, newest.task, {WENT_BACK: _TAKEN_BACK})
    return newest.release, revision_of(serving_task(place))


def _run(place: FargatePlace, task: str) -> None:
    """Run a task definition; where ECS moves the traffic, all of it at once, without a canary or a bake."""
    asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.service]
    [service, *_] = objects_at(answer(place, asked), "services")
    configured: dict[str, Any] = dict(service.get("deploymentConfiguration") or {})
    command = ["ecs", "update-service", "--cluster", place.cluster, "--service", place.service]
    command += ["--task-definition", task]
    if configured.get("strategy", "ROLLING") != "ROLLING":
        kept = {key: value for key, value in configured.items() if key in _OF_EVERY_STRATEGY}
        # The alarms are those of the release that leaves: one that is on would keep it.
        alarms: dict[str, Any] = {"alarmNames": [], "enable": False, "rollback": False}
        at_once = {**kept, "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "alarms": alarms}
        command += ["--deployment-configuration", json.dumps(at_once)]
    answer(place, command)


def _await(
    place: FargatePlace, task: str, say: Callable[[str], None], sleep: Callable[[float], None]
) -> None:
    """Wait until a task definition serves. Raises Failed where ECS takes it back or needs too long."""
    deadline, stage = time.monotonic() + _WAIT_SECONDS, ""
    while True:
        found = newest_deployment(place)
        if found and found.task == task and found.status == "SUCCESSFUL":
            return
        if found and found.task == task and found.status in WENT:
            raise Failed(f"Release {found.release} did not come back: {found.reason or 'ECS says no more'}.")
        if found and found.stage != stage:
            stage = found.stage
            say(f"ECS: {stage.replace('_', ' ').lower()}")
        if time.monotonic() > deadline:
            raise Failed("ECS still starts that release; `slipway status` shows how far it is.")
        sleep(_POLL_SECONDS)


def _done(place: FargatePlace, arguments: Sequence[str]) -> None:
    """Run a command that answers nothing. Raises Failed."""
    done = AWS([*arguments, "--region", place.region])
    if done.returncode:
        raise Failed(AWS.said(done))
