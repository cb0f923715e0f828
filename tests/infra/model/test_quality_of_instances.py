"""Debian's Prometheus scrapes servers of two versions, one of which restarts: the sums are the load's."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.infra.command import slipway
from tests.service.running_server import AUTHORIZED, HAM, SPAM, RunningServer, running_server
from tests.service.test_quality import model_with

CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: slipway
    static_configs: [{{targets: {targets}}}]
"""
BEFORE, AFTER, OTHER = 60, 40, 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def send(server: RunningServer, text: str, count: int, label: str) -> None:
    with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
        for _ in range(count):
            sent = client.post("/predict", json={"text": text})
            given = {"request_id": sent.headers["x-request-id"], "label": label}
            assert client.post("/feedback", json=given).status_code == 200


@contextmanager
def scraping(folder: Path, ports: list[int]) -> Generator[str]:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("prometheus is not installed (Debian's package prometheus)")
    address = f"127.0.0.1:{free_port()}"
    targets = json.dumps([f"127.0.0.1:{port}" for port in ports])
    (folder / "prometheus.yml").write_text(CONFIG.format(targets=targets))
    options = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    with (folder / "prometheus.log").open("wb") as log:
        line = [prometheus, *options, f"--web.listen-address={address}"]
        process = subprocess.Popen(line, stdout=log, stderr=log)
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def last_value(url: str, query: str) -> float:
    try:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": query}, timeout=5)
        found: Any = answer.json()["data"]["result"]
    except (httpx.TransportError, KeyError, ValueError):  # not listening, or not ready yet
        return -1
    return float(found[0]["value"][1]) if found else -1


def wait_for(url: str, query: str, value: float) -> None:
    end = time.monotonic() + 90
    while (found := last_value(url, query)) != value:
        assert time.monotonic() < end, f"{query} is {found}"
        time.sleep(0.1)


def test_a_restart_and_several_instances_are_added_up_by_version(project: Path, tmp_path: Path) -> None:
    ports = [free_port() for _ in range(3)]
    newer = str(model_with(tmp_path / "newer", version="99"))
    first, second, third = (f'{{instance="127.0.0.1:{port}"}}' for port in ports)
    judged = "sum(slipway_judged_predictions_total{})"
    with (
        scraping(tmp_path, ports) as url,
        running_server(tmp_path / "2", METRICS_PORT=str(ports[1])) as other,
        running_server(tmp_path / "3", METRICS_PORT=str(ports[2]), MODEL_DIR=newer) as new,
    ):
        with running_server(tmp_path / "1", METRICS_PORT=str(ports[0])) as server:
            wait_for(url, judged.replace("{}", first), 0)
            send(server, HAM, BEFORE, "ham")
            wait_for(url, judged.replace("{}", first), BEFORE)
        with running_server(tmp_path / "1b", METRICS_PORT=str(ports[0])) as server:
            for instance in (first, second, third):
                wait_for(url, judged.replace("{}", instance), 0)
            send(server, SPAM, AFTER, "ham")
            send(other, HAM, OTHER, "ham")
            send(new, SPAM, OTHER, "spam")
            for instance, count in ((first, AFTER), (second, OTHER), (third, OTHER)):
                wait_for(url, judged.replace("{}", instance), count)
            done = slipway(project, "quality", "--prometheus", url, "--since", "30m", "--format", "json")
    assert done.returncode == 0, done.stderr
    old, latest = json.loads(done.stdout)["versions"]
    assert (old["instances"], latest["instances"]) == (2, 1)
    assert latest["counts"]["model_version"].startswith("sms-spam-99")
    # Each process was scraped before its load; `increase` extrapolates by what comes between two scrapes.
    counts, most = old["counts"], 1.5
    for expected, found in (
        (BEFORE + AFTER + OTHER, counts["requests"]),
        (BEFORE + AFTER + OTHER, counts["judged"]),
        (BEFORE + OTHER, counts["right"]),
        (BEFORE + OTHER, counts["labels"]["ham"]["predictions"]),
        (AFTER, counts["labels"]["spam"]["predicted"]),
        (OTHER, latest["counts"]["labels"]["spam"]["right"]),
    ):
        assert expected <= found <= expected * most
    assert counts["failed"] == counts["labels"]["spam"]["right"] == 0
    assert json.loads(done.stdout)["comparison"]["versions"][0] == counts["model_version"]
