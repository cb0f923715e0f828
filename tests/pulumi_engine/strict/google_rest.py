"""The REST interfaces of a simulated project: Cloud Run's, Cloud Monitoring's, and those that releases ask.

DOCS: cloud.google.com/run/docs/reference/rest/v2, cloud.google.com/monitoring/api/ref_v3/rest/v3.
"""

import json
import math
import threading
import urllib.parse
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slipway.components.google.limits import METRICS_LATE_SECONDS, TRAFFIC_TO_LATEST
from tests.pulumi_engine.strict.account import Account, Refusal, Thing
from tests.pulumi_engine.strict.cloud_run import Revision, latest_of, revisions_of, traffic_of

_MINUTE = 60
# What the histogram of latencies is in, in milliseconds: bounds 1 ms apart by a tenth.
_GROWTH, _BUCKETS = 1.1, 150
_ETAG = "etag"


@dataclass
class Behaviour:
    """How a revision answers: its share of failures, and the time of its answers in milliseconds."""

    failures: float = 0.0
    latency_ms: float = 40.0


class Refused(Exception):
    """The interface's answer to a request that it refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Project:
    """A project that is asked by REST. now: the time. per_minute: requests that the service gets.

    behaviours: by revision; otherwise: of every other one. urls: of the service itself, '', and of its tags.
    gone: paths of what was deleted. moves: what each write did, in words. may_monitor: whether the caller may
    read Cloud Monitoring.
    """

    account: Account
    now: Callable[[], float]
    urls: Mapping[str, str]
    per_minute: int = 600
    behaviours: dict[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    otherwise: Behaviour = field(default_factory=Behaviour)
    gone: set[str] = field(default_factory=set[str])
    moves: list[str] = field(default_factory=list[str])
    may_monitor: bool = True
    before_write: Callable[[], None] = lambda: None
    _history: list[tuple[float, dict[str, int]]] = field(default_factory=list[tuple[float, dict[str, int]]])

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        """Answer a request. Raises Refused."""
        if path.startswith("/v3/"):
            return self._time_series(query)
        if "/secrets/" in path or "/dockerImages/" in path:
            if path in self.gone:
                raise Refused(404, f"{path} was not found")
            return {"state": "ENABLED"}
        path, _, revision = path.partition("/revisions/")
        thing = self._service(path)
        if revision:
            known = revisions_of(self.account, thing.id)
            if revision not in known:
                raise Refused(404, f"Revision '{revision}' was not found")
            return self._revision(thing, known[revision])
        if path.endswith("/revisions"):
            found = revisions_of(self.account, thing.id).values()
            return {"revisions": [self._revision(thing, each) for each in found]}
        if method == "PATCH":
            return self._write(thing, query["updateMask"], body)
        return self._as_json(thing)

    def note_traffic(self) -> None:
        """Remember who gets the requests from now on; of one service."""
        for thing in self.account.of_kind("cloudrunv2.Service"):
            self._history.append((self.now(), traffic_of(self.account, thing.id)))

    def _service(self, path: str) -> Thing:
        name = path.removeprefix("/v2/").removesuffix("/revisions")
        thing = self.account.get(name)
        if thing is None:
            raise Refused(404, f"Resource '{name}' was not found")
        return thing

    def _write(self, thing: Thing, mask: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.before_write()
        if body.get("etag") != self._etag(thing):
            raise Refused(409, "ABORTED: the service was changed since it was read")
        before = traffic_of(self.account, thing.id)
        if "traffic" in mask:
            try:
                self.account.update(thing.id, {**thing.inputs, "traffics": body["traffic"]})
            except Refusal as error:
                raise Refused(400, str(error)) from None
        if "annotations" in mask:
            self.account.memory[f"{thing.id}/annotations"] = body["annotations"]
        self.account.memory[f"{thing.id}/writes"] = self.account.memory.get(f"{thing.id}/writes", 0) + 1
        self.note_traffic()
        after = traffic_of(self.account, thing.id)
        tags = [f"tag {each['tag']}" for each in body["traffic"] if each.get("tag")]
        words = ", ".join(f"{name} {percent}%" for name, percent in sorted(after.items()))
        self.moves.append(", ".join([words if after != before else "requests stay", *tags]))
        return {"name": "operations/1", "done": True, "response": self._as_json(thing)}

    def _etag(self, thing: Thing) -> str:
        text = json.dumps(
            [thing.inputs, self.account.memory.get(f"{thing.id}/writes")], sort_keys=True, default=str
        )
        return f"{_ETAG}-{hash(text)}"

    def _as_json(self, thing: Thing) -> dict[str, Any]:
        latest_only = [{"type": TRAFFIC_TO_LATEST, "percent": 100}]
        targets: list[dict[str, Any]] = thing.inputs.get("traffics") or latest_only
        statuses = [{**each, "uri": self.urls.get(each["tag"], "")} for each in targets if each.get("tag")]
        latest = f"{thing.id}/revisions/{latest_of(self.account, thing.id)}"
        return {
            "name": thing.id,
            "etag": self._etag(thing),
            "uri": self.urls[""],
            "annotations": self.account.memory.get(f"{thing.id}/annotations", {}),
            "template": {"revision": thing.inputs["template"].get("revision", "")},
            "traffic": targets,
            "trafficStatuses": statuses,
            "latestReadyRevision": latest,
            "latestCreatedRevision": latest,
        }

    def _revision(self, thing: Thing, revision: Revision) -> dict[str, Any]:
        containers = [{**each, "env": each.get("envs", [])} for each in revision.template["containers"]]
        created = datetime.fromtimestamp(revision.number, UTC).isoformat()
        return {
            "name": f"{thing.id}/revisions/{revision.name}",
            "createTime": created,
            "containers": containers,
            "conditions": [{"type": "Ready", "state": "CONDITION_SUCCEEDED"}],
        }

    def _time_series(self, query: Mapping[str, str]) -> dict[str, Any]:
        if not self.may_monitor:
            raise Refused(403, "Permission monitoring.timeSeries.list denied")
        words = dict(part.split("=", 1) for part in query["filter"].split(" AND "))
        revision = words["resource.labels.revision_name"].strip('"')
        start, end = (_seconds(query[f"interval.{each}Time"]) for each in ("start", "end"))
        minutes = [
            minute
            for minute in range(int(start // _MINUTE) * _MINUTE, int(end), _MINUTE)
            if start < minute + _MINUTE <= min(end, self.now() - METRICS_LATE_SECONDS)
        ]
        counts = {minute: self._requests(revision, minute) for minute in minutes}
        is_count = words["metric.type"].strip('"').endswith("/request_count")
        series = list(self._series(revision, counts, is_count))
        return {"timeSeries": series} if any(counts.values()) else {}

    def _series(self, revision: str, counts: Mapping[int, int], is_count: bool) -> Iterator[dict[str, Any]]:
        behaviour = self.behaviours.get(revision, self.otherwise)
        for code, share in (("200", 1 - behaviour.failures), ("500", behaviour.failures)):
            points = [
                {
                    "interval": {"startTime": _time(minute), "endTime": _time(minute + _MINUTE)},
                    "value": _value(round(count * share), behaviour.latency_ms, is_count),
                }
                for minute, count in counts.items()
                if round(count * share)
            ]
            labels = {"response_code": code, "response_code_class": f"{code[0]}xx"}
            yield {"metric": {"labels": labels}, "points": points}

    def _requests(self, revision: str, minute: int) -> int:
        """Return what a revision got in a minute, by who had the requests at its start."""
        now = [percents for since, percents in self._history if since <= minute]
        return self.per_minute * (now[-1] if now else {}).get(revision, 0) // 100


def _value(count: int, latency_ms: float, is_count: bool) -> dict[str, Any]:
    if is_count:
        return {"int64Value": str(count)}
    bucket = math.ceil(math.log(latency_ms, _GROWTH))
    counts = ["0"] * bucket + [str(count)]
    options = {"scale": 1, "growthFactor": _GROWTH, "numFiniteBuckets": _BUCKETS}
    return {"distributionValue": {"bucketCounts": counts, "bucketOptions": {"exponentialBuckets": options}}}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def asked_by_rest(project: Project) -> Generator[str]:
    """Serve the project's interfaces and yield their address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(parts.query))
            text = self.rfile.read(int(self.headers["Content-Length"] or 0))
            try:
                assert self.headers["Authorization"] == "Bearer a-token"
                status, found = (
                    200,
                    project.answer(self.command, parts.path, query, json.loads(text or b"{}")),
                )
            except Refused as error:
                status, found = error.status, {"error": {"message": str(error)}}
            answer = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PATCH = _answer  # noqa: N815 the names that the base class calls

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
