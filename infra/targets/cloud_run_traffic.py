"""Reads and moves the requests of a Cloud Run service among its revisions, through the Cloud Run Admin API.

A write names the version of the service that was read (`etag`), so of two commands that move requests at
once the second fails and looks again. It names what it changes (`updateMask`): nothing else is sent.
Source: cloud.google.com/run/docs/reference/rest/v2/projects.locations.services, RUNPB Service.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from slipway.components.google.limits import TRAFFIC_TO_LATEST, TRAFFIC_TO_REVISION
from slipway.infra.errors import Failed
from slipway.infra.targets.clock import Clock
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.google_api import GoogleApi, NotFound
from slipway.infra.targets.rollout_record import Rollouts

ANNOTATION = "slipway-rollouts"
# The tag of the new revision while a rollout lasts: its own address, without a share of the requests.
NEXT = "next"
_SETTLE_SECONDS = 300
_POLL_SECONDS = 2
_READY, _FAILED = "Ready", "CONDITION_FAILED"


@dataclass(frozen=True, slots=True)
class Share:
    """A revision's percent of the requests; tag: of its own address, '' without one.

    revision: '' for whichever is the newest that is ready.
    """

    revision: str
    percent: int
    tag: str = ""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": TRAFFIC_TO_REVISION, "revision": self.revision}
        if not self.revision:
            found = {"type": TRAFFIC_TO_LATEST}
        return (
            found
            | ({"percent": self.percent} if self.percent else {})
            | ({"tag": self.tag} if self.tag else {})
        )


@dataclass(frozen=True)
class RunService:
    """A service as the API returns it."""

    json: Mapping[str, Any] = field(repr=False)

    @property
    def newest(self) -> str:
        """Return the revision of the template that was applied last."""
        named = str(at(self.json, "template").get("revision", ""))
        return named or _last(self.json.get("latestCreatedRevision"))

    @property
    def was_ever_ready(self) -> bool:
        """Return whether a revision has ever been ready; without one, nothing can get requests."""
        return bool(self.json.get("latestReadyRevision"))

    @property
    def is_pinned(self) -> bool:
        """Return whether every share names its revision, so that a new one gets nothing by itself."""
        return bool(self._traffic) and all(each.get("type") != TRAFFIC_TO_LATEST for each in self._traffic)

    @property
    def shares(self) -> list[Share]:
        """Return who gets requests, the latest ready revision by its name."""
        traffic: list[dict[str, Any]] = self._traffic or [{"type": TRAFFIC_TO_LATEST, "percent": 100}]
        latest = _last(self.json.get("latestReadyRevision"))
        return [
            Share(
                latest if each.get("type") == TRAFFIC_TO_LATEST else _last(each.get("revision")),
                int(each.get("percent", 0)),
                str(each.get("tag", "")),
            )
            for each in traffic
        ]

    @property
    def percents(self) -> dict[str, int]:
        """Map each revision that gets requests to its percent."""
        found: dict[str, int] = {}
        for share in self.shares:
            if share.percent:
                found[share.revision] = found.get(share.revision, 0) + share.percent
        return found

    @property
    def others_tags(self) -> list[Share]:
        """Return the tags that people gave."""
        return [Share(each.revision, 0, each.tag) for each in self.shares if each.tag not in ("", NEXT)]

    @property
    def rollouts(self) -> Rollouts:
        return Rollouts.read(str(at(self.json, "annotations").get(ANNOTATION, "")))

    def url_of(self, tag: str) -> str:
        """Return the address of a tag; '' if it has none."""
        statuses: list[dict[str, Any]] = self.json.get("trafficStatuses", [])
        return next((str(each.get("uri", "")) for each in statuses if each.get("tag") == tag), "")

    @property
    def _traffic(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.json.get("traffic", []))


class RunApi:
    """The service at one place."""

    def __init__(self, place: CloudRunPlace, clock: Clock) -> None:
        self._parent = f"v2/projects/{place.project}/locations/{place.region}"
        self._path = f"{self._parent}/services/{place.service}"
        self._place, self._clock, self.wrote = place, clock, False
        self._api = GoogleApi("RUN", "https://run.googleapis.com/")

    def find(self) -> RunService | None:
        """Return the service; None where there is none. Raises Refused and Failed."""
        try:
            return RunService(self._api("GET", self._path))
        except NotFound:
            return None

    def service(self) -> RunService:
        """Return the service. Raises Failed where there is none."""
        found = self.find()
        if found is None:
            raise Failed(f"{self._place.project} has no Cloud Run service {self._place.service}.")
        return found

    def write(self, read: RunService, shares: Iterable[Share], rollouts: Rollouts) -> RunService:
        """Move the requests and keep the record, in one request, and wait until it is so.

        read: what the change was made from. Raises Conflict if it changed since, and Failed.
        """
        annotations = {**at(read.json, "annotations"), ANNOTATION: rollouts.to_text()}
        body = {
            "name": read.json["name"],
            "etag": read.json.get("etag", ""),
            "annotations": annotations,
            "traffic": [share.to_json() for share in shares],
        }
        self.wrote = True
        operation = self._api("PATCH", self._path, {"updateMask": "traffic,annotations"}, body)
        self._wait(operation)
        return self.service()

    def why_not_ready(self, revision: str) -> str:
        """Return why a revision did not start; '' if it is ready or on its way. RUNPB Condition."""
        conditions = self._api("GET", f"{self._path}/revisions/{revision}").get("conditions", [])
        failed = (each for each in conditions if each.get("state") == _FAILED and each.get("type") == _READY)
        return next((str(each.get("message") or "Cloud Run states no reason") for each in failed), "")

    def revisions(self) -> list[dict[str, Any]]:
        """Return the revisions that Cloud Run keeps, the newest first."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            query = {"pageSize": "100", **({"pageToken": token} if token else {})}
            page = self._api("GET", f"{self._path}/revisions", query)
            found += page.get("revisions", [])
            token = str(page.get("nextPageToken", ""))
            if not token:
                return sorted(found, key=lambda each: str(each.get("createTime", "")), reverse=True)

    def _wait(self, operation: dict[str, Any]) -> None:
        waited = 0.0
        while not operation.get("done"):
            if waited > _SETTLE_SECONDS:
                raise Failed(f"Cloud Run did not move the requests within {_SETTLE_SECONDS} s.")
            self._clock.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
            operation = self._api("GET", f"v2/{operation['name']}")
        if error := at(operation, "error"):
            raise Failed(f"Cloud Run did not move the requests: {error.get('message', error)}")


def _last(name: object) -> str:
    return str(name or "").rpartition("/")[2]
