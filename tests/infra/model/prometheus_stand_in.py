"""A stand-in for Prometheus: answers as it is told, and refuses queries that Prometheus would refuse.

It evaluates nothing; the queries themselves are tried on Prometheus's own evaluator and on a real server.
"""

import json
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.in_background import in_background

NOW = 1_800_000_000.0
TOKEN = "a-token"
Vector = Sequence[tuple[Mapping[str, str], float]]
_KNOWN = re.compile(
    r"sum|count|max|by|increase|unless|and|or|on|offset|topk|vector|time|le|histogram_quantile|"
    r"last_over_time|min_over_time|process_start_time_seconds|slipway_\w+|model_version|job|instance|"
    r"label|predicted|outcome|signal|namespace|\d+(?:\.\d+)?s?"
)


class StandIn:
    """Answers queries by the first pattern that is found in them; others have an empty vector."""

    def __init__(self, answers: Mapping[str, Vector]) -> None:
        self.queries: list[str] = []
        self.raw: bytes | None = None
        """What to answer to every query in place of it."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                status, body = outer._answer(self.path, self.headers.get("authorization"), form, answers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _answer(
        self, path: str, token: str | None, form: Mapping[str, list[str]], answers: Mapping[str, Vector]
    ) -> tuple[int, bytes]:
        if path != "/api/v1/query":
            return 404, b"404 page not found"
        if token != f"Bearer {TOKEN}":
            return 401, b"Unauthorized"
        [query] = form["query"]
        self.queries.append(query)
        if self.raw is not None:
            return 200, self.raw
        if query == "vector(time())":
            return 200, _vector([({}, NOW)])
        if fault := _fault(query, form.get("time", [])):
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": fault}).encode()
        found = next((vector for pattern, vector in answers.items() if re.search(pattern, query)), ())
        return 200, _vector(found)


def _fault(query: str, moments: list[str]) -> str:
    """Return why Prometheus would refuse a query; nothing if it would not."""
    if moments != [f"{NOW:.3f}"]:
        return f"time is {moments}"
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    for opening, closing in ("()", "[]", "{}"):
        if bare.count(opening) != bare.count(closing):
            return f"unbalanced {opening}"
    unknown = [word for word in re.findall(r"[\w.]+", bare) if not _KNOWN.fullmatch(word)]
    return f"unknown {unknown}" if unknown else ""


def _vector(samples: Vector) -> bytes:
    result = [{"metric": dict(labels), "value": [NOW, f"{value:g}"]} for labels, value in samples]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


@contextmanager
def standing_in(answers: Mapping[str, Vector]) -> Generator[StandIn]:
    stand_in = StandIn(answers)
    with in_background(stand_in.server):
        yield stand_in
