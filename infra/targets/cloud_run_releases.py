"""The releases of a Cloud Run service, from its revisions: lists them, ends a rollout, and brings one back.

A revision keeps its image, its settings and the versions of its secrets, so those come back together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slipway.components.google.limits import METRICS_LATE_SECONDS
from slipway.components.rollouts.states import BACK, PAUSED, UNDER_WAY
from slipway.infra.errors import Refused
from slipway.infra.targets.clock import CLOCK, Clock
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_moves import changed, promoted, taken_back
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.cloud_run_rollout import MARGIN_SECONDS
from slipway.infra.targets.cloud_run_traffic import RunApi, RunService, Share
from slipway.infra.targets.google_api import GoogleApi, NotFound
from slipway.infra.targets.rollout_record import KnownRelease, RolloutRecord

_BY_HAND = "by `slipway rollback`"
_IN_REGISTRY = "-docker.pkg.dev"


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as the API returns it."""

    json: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.json.get("name", "")).rpartition("/")[2]

    @property
    def created_at(self) -> float:
        return datetime.fromisoformat(str(self.json["createTime"])).timestamp()

    @property
    def image(self) -> str:
        return str(at(self.json, "containers", 0).get("image", ""))

    @property
    def environment(self) -> dict[str, str]:
        """Return the plain environment."""
        return {
            each["name"]: str(each.get("value", "")) for each in at(self.json, "containers", 0).get("env", [])
        }

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """Map each environment name to the secret and the version that it pins."""
        found = dict[str, tuple[str, str]]()
        for each in at(self.json, "containers", 0).get("env", []):
            if reference := at(each, "valueSource", "secretKeyRef"):
                found[each["name"]] = (str(reference["secret"]), str(reference.get("version", "latest")))
        return found


class CloudRunReleases:
    """The releases of the service at one place."""

    def __init__(self, stack: str, place: CloudRunPlace, clock: Clock = CLOCK) -> None:
        self._stack, self._place, self._clock = stack, place, clock
        self._api = RunApi(place, clock)

    def listed(self) -> list[dict[str, Any]]:
        """Return the revisions that Cloud Run keeps, the newest first, and what it lost, as JSON."""
        service = self._api.find()
        if service is None:
            return []
        kept = [Revision(each) for each in self._api.revisions()]
        names = {each.name for each in kept}
        gone = [each for each in service.rollouts.releases if each.revision not in names]
        return [*(_as_json(service, each) for each in kept), *(_gone(each) for each in gone)]

    def promote(self) -> dict[str, Any]:
        """Give all requests to the new release of the open rollout. Raises Refused without one."""
        record = self._open("promote")
        service = changed(self._api, record, lambda now: promoted(self._api, now, record, self._clock.now()))
        return self._status(service)

    def pause(self) -> dict[str, Any]:
        """Stop the clock of the rollout that is under way, or let it go on. Raises Refused without one."""
        record = self._open("pause")
        state = UNDER_WAY if record.state == PAUSED else PAUSED
        until = self._clock.now() + record.bake_seconds + METRICS_LATE_SECONDS + MARGIN_SECONDS
        wanted = replace(record, state=state, until=until)

        def note(service: RunService) -> RunService:
            return self._api.write(service, service.shares, replace(service.rollouts, last=wanted))

        return self._status(changed(self._api, record, note))

    def roll_back(self, release: str | None, secrets: bool, settings: bool) -> tuple[str, str]:
        """Return what left and what serves. Raises Refused and Failed."""
        if not settings:
            raise Refused("A revision of Cloud Run comes back with its settings. Omit --keep-settings.")
        service = self._api.service()
        last = service.rollouts.last
        if last is not None and last.is_open and release is None:
            changed(self._api, last, lambda now: taken_back(self._api, now, last, BACK, _BY_HAND))
            return last.new, last.old
        if last is not None and last.is_open:
            raise Refused(
                f"A rollout of {last.new} is under way. End it first: `slipway rollback` without a name."
            )
        return self._bring_back(service, release, secrets)

    def _bring_back(self, service: RunService, release: str | None, secrets: bool) -> tuple[str, str]:
        percents = service.percents
        serving = max(percents, key=lambda name: percents[name])
        kept = {each.name: each for each in (Revision(json) for json in self._api.revisions())}
        target = self._target(service, serving, release, kept)
        self._require_startable(target, kept.get(serving), secrets)
        rollouts = service.rollouts.marking(serving, f"{_BY_HAND}, to {target.name}")
        known = rollouts.known(target.name) or KnownRelease(target.name)
        rollouts = rollouts.noting(replace(known, served_from=self._clock.now(), went_back=""))
        self._api.write(service, [Share(target.name, 100), *service.others_tags], rollouts)
        return serving, target.name

    def _target(
        self, service: RunService, serving: str, release: str | None, kept: Mapping[str, Revision]
    ) -> Revision:
        if release is None:
            before = [
                each.revision
                for each in service.rollouts.releases
                if each.revision != serving and not each.went_back and each.revision in kept
            ]
            if not before:
                raise Refused(
                    f"There is no earlier release than {serving} that served, did not go back and is kept. "
                    f"`slipway releases {self._stack}` lists what `slipway rollback NAME` can bring back."
                )
            release = before[0]
        if release == serving:
            raise Refused(f"Release {release} serves already.")
        if release not in kept:
            raise Refused(f"Cloud Run keeps no revision {release}; it keeps {', '.join(kept) or 'none'}.")
        return kept[release]

    def _require_startable(self, target: Revision, serving: Revision | None, secrets: bool) -> None:
        """Refuse a release that could not start, or that brings other secrets than today's unasked."""
        for secret, version in sorted(set(target.secrets.values())):
            self._require_version(target.name, secret, version)
        self._require_image(target)
        changed_names = [
            name
            for name, pinned in target.secrets.items()
            if serving is not None and serving.secrets.get(name) != pinned
        ]
        if changed_names and not secrets:
            raise Refused(
                f"Release {target.name} has other versions of {', '.join(sorted(changed_names))} than the "
                "one that serves, and a revision cannot take today's. Add --secrets to bring it back with "
                "those."
            )

    def _require_version(self, release: str, secret: str, version: str) -> None:
        name = (
            secret if secret.startswith("projects/") else f"projects/{self._place.project}/secrets/{secret}"
        )
        try:
            found = GoogleApi("SECRETMANAGER", "https://secretmanager.googleapis.com/")(
                "GET", f"v1/{name}/versions/{version}"
            )
        except NotFound:
            found = {"state": "DESTROYED"}
        if found.get("state") != "ENABLED":
            state = str(found.get("state", "unknown")).lower()
            raise Refused(f"Release {release} cannot come back: version {version} of {secret} is {state}.")

    def _require_image(self, target: Revision) -> None:
        """Refuse where Artifact Registry no longer has the image; other registries are not asked."""
        host, _, rest = target.image.partition("/")
        repository, _, digest = rest.partition("@")
        if not host.endswith(_IN_REGISTRY) or not digest or repository.count("/") < 2:
            return
        project, name, image = repository.split("/", 2)
        where = f"projects/{project}/locations/{host.removesuffix(_IN_REGISTRY)}/repositories/{name}"
        path = f"v1/{where}/dockerImages/{image.replace('/', '%2F')}@{digest}"
        try:
            GoogleApi("ARTIFACTREGISTRY", "https://artifactregistry.googleapis.com/")("GET", path)
        except NotFound:
            raise Refused(
                f"Release {target.name} cannot come back: its image {target.image} was deleted."
            ) from None

    def _open(self, verb: str) -> RolloutRecord:
        last = self._api.service().rollouts.last
        if last is None or not last.is_open:
            raise Refused(f"No rollout is under way on this stack, so there is none to {verb}.")
        if last.share_at is None:
            raise Refused(f"The new version of this rollout is still being tested: nothing to {verb}.")
        return last

    def _status(self, service: RunService) -> dict[str, Any]:
        last = service.rollouts.last
        assert last is not None  # it was written just now
        return last.to_status(self._clock.now())


def _as_json(service: RunService, revision: Revision) -> dict[str, Any]:
    known = service.rollouts.known(revision.name)
    return {
        "release": revision.name,
        "commit": (known.commit if known else "") or None,
        "version": revision.image.partition("@")[2] or revision.image,
        "model": revision.environment.get("MODEL_SOURCE") or revision.image,
        "model_version": revision.environment.get("EXPECTED_MODEL") or None,
        "created_at": revision.created_at,
        "served_from": known.served_from if known else None,
        "served_until": None,
        "percent": float(service.percents.get(revision.name, 0)),
        "repeats": None,
        "went_back": (known.went_back if known else "") or None,
        "lost": None,
    }


def _gone(release: KnownRelease) -> dict[str, Any]:
    return {
        "release": release.revision,
        "commit": release.commit or None,
        "version": None,
        "model": "unknown model",
        "model_version": None,
        "created_at": release.served_from,
        "served_from": release.served_from,
        "served_until": None,
        "percent": 0.0,
        "repeats": None,
        "went_back": release.went_back or None,
        "lost": "Cloud Run no longer has this revision",
    }
