"""Finds and destroys old versions of a Cloud Run stack's secrets.

Pulumi leaves a replaced version in Secret Manager, because older revisions start with it; each costs money
and is another copy of a secret. Versions that a revision with traffic or one of the newest revisions uses
stay, those of the newest releases that served, and the newest few of each.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.infra.errors import Failed
from slipway.infra.plan.run import Plan
from slipway.infra.resources.google import SECRET
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_place import GCLOUD, CloudRunPlace
from slipway.infra.targets.cloud_run_traffic import ANNOTATION
from slipway.infra.targets.rollout_record import Rollouts


@dataclass(frozen=True, slots=True)
class OldVersion:
    """A secret version that may be destroyed."""

    secret: str
    version: int

    def __str__(self) -> str:
        return f"{self.secret} version {self.version}"


def old_versions(plan: Plan, place: CloudRunPlace, keep: int) -> list[OldVersion]:
    """List the versions to destroy, oldest first. Raises Refused without gcloud, Failed if it cannot read."""
    secrets = [str(resource.inputs["secretId"]) for resource in plan.resources if resource.type == SECRET]
    in_use = _in_use(place, keep)
    return [
        OldVersion(secret, version)
        for secret in secrets
        for version in sorted(_versions(place, secret))[:-keep]
        if (secret, str(version)) not in in_use
    ]


def destroy(place: CloudRunPlace, old: Iterable[OldVersion]) -> None:
    """Destroy for good. Raises Failed at the first one that cannot be, naming it."""
    for each in old:
        where = ["--secret", each.secret, "--project", place.project]
        command = ["secrets", "versions", "destroy", str(each.version), *where, "--quiet"]
        _asked(command, f"{each} was not destroyed")


def _versions(place: CloudRunPlace, secret: str) -> list[int]:
    """Those that are not destroyed yet."""
    wanted = ["--filter", "state!=DESTROYED", "--format", "json"]
    command = ["secrets", "versions", "list", secret, "--project", place.project, *wanted]
    listed = _asked(command, f"the versions of {secret} cannot be listed")
    return [int(str(version["name"]).rpartition("/")[2]) for version in json.loads(listed or "[]")]


def _in_use(place: CloudRunPlace, keep: int) -> set[tuple[str, str]]:
    """(secret, version) of each revision that gets requests, could by its tag, is new, or served lately."""
    service = json.loads(
        _asked(
            ["run", "services", "describe", *place.flags, "--format", "json"],
            f"{place.service} cannot be read, so it is not known which versions it uses",
        )
    )
    traffic: list[dict[str, Any]] = at(service, "status").get("traffic", [])
    names = {part.get("revisionName") for part in traffic if part.get("percent") or part.get("tag")}
    revisions: list[dict[str, Any]] = json.loads(
        _asked(
            ["run", "revisions", "list", "--service", *place.flags, "--format", "json"],
            f"the revisions of {place.service} cannot be listed",
        )
    )
    rollouts = Rollouts.read(str(at(service, "metadata", "annotations").get(ANNOTATION, "")))
    served = [each.revision for each in rollouts.releases if not each.went_back][:keep]
    names |= {*served, *(rollouts.last.before if rollouts.last else ())}
    serving = [revision for revision in revisions if at(revision, "metadata").get("name") in names]
    newest = sorted(revisions, key=_created, reverse=True)[:keep]
    return {pair for revision in (*serving, *newest) for pair in _secrets_of(revision)}


def _created(revision: Mapping[str, Any]) -> str:
    return str(at(revision, "metadata").get("creationTimestamp", ""))


def _secrets_of(revision: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for container in at(revision, "spec").get("containers", []):
        for entry in container.get("env", []):
            if reference := at(entry, "valueFrom", "secretKeyRef"):
                yield str(reference["name"]), str(reference["key"])


def _asked(arguments: list[str], trouble: str) -> str:
    done = GCLOUD(arguments)
    if done.returncode:
        raise Failed(f"{trouble}. {GCLOUD.said(done)}")
    return done.stdout
