"""What the live view of the page is made of: its points, and who may read them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from slipway.service.engine.readings import QueueReading
from slipway.service.manifest import Manifest
from slipway.service.metrics import Instruments
from slipway.service.metrics.live import POINTS, Live
from slipway.service.quality import Quality
from slipway.service.quality.feedback import Feedback
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.service.running_server import RunningServer, running_server
from tests.service.test_key_and_page_session import page_cookie


@dataclass
class Watched:
    """A live view of instruments, with a clock and a queue that the test sets."""

    now: float = 0.0
    calls: int = 0
    instruments: Instruments = field(default_factory=Instruments)
    refusals: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        quality = Quality(Manifest.read(BUNDLED_MODEL, TASKS), Feedback(10, 60))
        self.live = Live(self.instruments, self, quality, self.refusals, lambda: self.now)

    def queue(self) -> QueueReading:
        return QueueReading(self.calls, 0, 0.0, 96, 1000)

    def answered(self, status: int = 200, seconds: float = 0.004, route: str = "/predict") -> None:
        self.instruments.request_ended("POST", route, status, "", seconds)

    def point(self, seconds: float = 5) -> dict[str, float | None]:
        self.now += seconds
        self.live.take_point()
        return self.live.report()["points"][-1]


def test_a_point_counts_what_came_since_the_last_one() -> None:
    watched = Watched()
    watched.answered()
    watched.point()
    for _ in range(20):
        watched.answered(seconds=0.002)
    watched.calls = 7
    point = watched.point(seconds=10)
    assert (point["requests_per_second"], point["failures_per_second"]) == (2, 0)
    assert 1 < (point["p50_ms"] or 0) <= (point["p99_ms"] or 0) <= 2.5
    assert point["queue_calls"] == 7
    assert watched.point()["p99_ms"] is None


def test_failures_are_the_servers_own_and_are_not_in_the_latency() -> None:
    watched = Watched()
    for status in (429, 503, 422, 200):
        watched.answered(status, seconds=0.002 if status == 200 else 20)
    watched.refusals.update({"connections-full": 3, "malformed-http": 4})
    point = watched.point(seconds=1)
    assert (point["requests_per_second"], point["failures_per_second"]) == (7, 5)
    assert (point["p99_ms"] or 0) < 3


def test_probes_and_the_view_itself_are_no_requests() -> None:
    watched = Watched()
    for route in ("/alive", "/ready", "/health", "/live"):
        watched.answered(route=route)
    assert watched.point()["requests_per_second"] == 0


def test_the_points_are_bounded_and_the_oldest_falls_out() -> None:
    watched = Watched()
    watched.answered()
    for _ in range(POINTS + 1):
        watched.point()
    points = watched.live.report()["points"]
    assert len(points) == POINTS
    assert points[0]["requests_per_second"] == 0


def test_a_clock_that_stands_still_adds_no_point() -> None:
    watched = Watched()
    watched.live.take_point()
    assert watched.live.report()["points"] == []


def test_the_points_are_for_the_key_and_the_pages_session_alone(
    client: httpx.Client, stranger: httpx.Client, local_server: RunningServer
) -> None:
    assert stranger.get("/live").status_code == 401
    found = client.get("/live")
    assert found.status_code == 200
    assert found.headers["cache-control"] == "no-store"
    assert found.json()["queue_calls_limit"] > 0
    assert found.json()["drift"]["class"] == {"has_reference": False, "has_drifted": False, "alarms": 0}
    assert httpx.get(f"{local_server.url}/live").status_code == 401
    cookie = {"Cookie": page_cookie(local_server)}
    assert httpx.get(f"{local_server.url}/live", headers=cookie).status_code == 200
    elsewhere = cookie | {"Origin": "http://elsewhere.test"}
    assert httpx.get(f"{local_server.url}/live", headers=elsewhere).status_code == 401


def test_looking_leaves_no_line_in_the_log(local_server: RunningServer) -> None:
    httpx.get(f"{local_server.url}/live", headers={"Cookie": page_cookie(local_server)})
    httpx.get(f"{local_server.url}/nowhere", headers={"X-Request-ID": "after-the-look"})
    local_server.wait_for(lambda: [x for x in local_server.log if x.get("request_id") == "after-the-look"], 1)
    assert not [line for line in local_server.log if line.get("route") == "/live"]


def test_without_metrics_there_is_no_live_view(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", METRICS="off") as server:
        assert httpx.get(f"{server.url}/live").status_code == 404
        assert 'data-live="off"' in httpx.get(server.url).text


def test_without_the_page_there_is_no_live_view(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", SERVE_PAGE="false") as server:
        assert httpx.get(f"{server.url}/live").status_code == 404


def test_every_graph_of_the_page_is_named_and_says_its_figures_in_words(stranger: httpx.Client) -> None:
    page = stranger.get("/").text
    assert 'data-live="on"' in page
    ids = set(re.findall(r' id="([^"]+)"', page))
    graphs = re.findall(r'<svg [^>]*role="img" aria-labelledby="([^"]+)"', page)
    assert len(graphs) == 4
    for names in graphs:
        assert set(names.split()) <= ids
