"""A Cloud Run service in memory: what the Admin API and Cloud Monitoring answer of it to a command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from slipway.components.google.limits import TRAFFIC_TO_LATEST, TRAFFIC_TO_REVISION
from slipway.infra.targets.clock import Clock
from slipway.infra.targets.cloud_run_traffic import ANNOTATION
from slipway.infra.targets.google_api import GoogleApi, NotFound
from slipway.infra.targets.rollout_record import Rollouts


@dataclass
class Time(Clock):
    """A clock that passes only when somebody waits."""

    seconds: float = 1_800_000_000

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class FakeRun:
    """One service, `api`. failed: revision -> why it did not start. kept: revisions, the oldest first.

    trouble: raises what a call of a path meets. writes: the traffic after each.
    """

    newest: str = "api-1"
    failed: dict[str, str] = field(default_factory=dict[str, str])
    traffic: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    annotations: dict[str, str] = field(default_factory=dict[str, str])
    latest_ready: str = ""
    trouble: Callable[[str], None] = lambda _path: None
    kept: list[str] = field(default_factory=list[str])
    writes: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])

    def pin(self, revision: str) -> None:
        self.traffic = [{"type": TRAFFIC_TO_REVISION, "revision": revision, "percent": 100}]

    @property
    def rollouts(self) -> Rollouts:
        return Rollouts.read(self.annotations.get(ANNOTATION, ""))

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        self.trouble(path)
        if path.endswith("/timeSeries"):
            return {}
        if path.endswith("/revisions"):
            return {"revisions": [_revision(name, at) for at, name in enumerate(self.kept)]}
        if "/revisions/" in path:
            name = path.rpartition("/")[2]
            state = "CONDITION_FAILED" if name in self.failed else "CONDITION_SUCCEEDED"
            condition = {"type": "Ready", "state": state, "message": self.failed.get(name, "")}
            return {"name": path, "conditions": [condition]}
        if not path.endswith("/services/api"):
            raise NotFound(path)
        return self._written(body) if method == "PATCH" else self._service()

    def _written(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.traffic, self.annotations = body["traffic"], body["annotations"]
        self.writes.append(self.traffic)
        named = {each.get("revision") for each in self.traffic if each.get("percent")}
        error = {"error": {"message": "a revision is not ready"}} if named & self.failed.keys() else {}
        return {"name": "operations/1", "done": True, **error}

    def _service(self) -> dict[str, Any]:
        return {
            "name": "projects/p/locations/r/services/api",
            "etag": str(len(self.writes)),
            "annotations": self.annotations,
            "template": {"revision": self.newest},
            "traffic": self.traffic or [{"type": TRAFFIC_TO_LATEST, "percent": 100}],
            "trafficStatuses": [{"tag": "next", "uri": "https://next.example.com"}],
            "latestReadyRevision": self.latest_ready and f"services/api/revisions/{self.latest_ready}",
            "latestCreatedRevision": f"services/api/revisions/{self.newest}",
        }


def _revision(name: str, day: int) -> dict[str, Any]:
    container: dict[str, Any] = {"image": "docker.io/acme/server@sha256:abc", "env": []}
    created = f"2026-11-{1 + day:02d}T00:00:00Z"
    return {"name": f"services/api/revisions/{name}", "createTime": created, "containers": [container]}


def faked(monkeypatch: pytest.MonkeyPatch, run: FakeRun) -> None:
    """Have every call of Google's interfaces answered by the fake."""

    def call(_api: GoogleApi, method: str, path: str, _query: Any = (), body: Any = None) -> dict[str, Any]:
        return run.answer(method, path, body)

    monkeypatch.setattr(GoogleApi, "__call__", call)
