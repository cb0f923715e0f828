"""Debian's Prometheus reads a server under load, and its numbers are those of the load."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, HAM, running_server

COUNT = 'sum(http_server_request_duration_seconds_count{http_route="/predict",error_type=""})'
SLOW = (
    "histogram_quantile(0.5, sum by (le) (slipway_phase_duration_seconds_bucket"
    '{http_route="/predict",phase="queue"}))'
)
REQUESTS = 50
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: slipway
    static_configs: [{{targets: ["{target}"]}}]
"""


def value(url: str, query: str) -> float | None:
    try:
        answer = httpx.get(f"{url}/api/v1/query?query={urllib.parse.quote(query)}", timeout=5)
    except httpx.TransportError:  # not listening yet
        return None
    if answer.status_code != 200:
        return None
    found: Any = json.loads(answer.text)["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def test_prometheus_counts_the_requests_of_a_load(tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("prometheus is not installed (Debian's package prometheus)")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with running_server(tmp_path / "log") as server, (tmp_path / "prometheus.log").open("wb") as log:
        target = server.metrics_url.removeprefix("http://").removesuffix("/metrics")
        (tmp_path / "prometheus.yml").write_text(CONFIG.format(target=target))
        options = (f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data")
        scraping = subprocess.Popen(
            [prometheus, *options, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
        try:
            with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
                for _ in range(REQUESTS):
                    assert client.post("/predict", json={"text": HAM}).status_code == 200
            end = time.monotonic() + 60
            while value(f"http://{address}", COUNT) != REQUESTS:
                assert time.monotonic() < end, (tmp_path / "prometheus.log").read_text()
                time.sleep(0.1)
            median = value(f"http://{address}", SLOW)
            assert median is not None
            assert 0 < median < 60
        finally:
            scraping.terminate()
            scraping.wait(timeout=30)
