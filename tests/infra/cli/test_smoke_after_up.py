"""`slipway up` of a stack that Pulumi applies asks the service for answers, with a stand-in for both."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway.components.model import model_version
from slipway.infra.targets.smoke import is_internal
from tests.conftest import ROOT, write_stack
from tests.infra.command import slipway

MANIFEST = json.loads((ROOT / "service/models/sms-spam/manifest.json").read_text())
KEY = "k" * 20


class Service(ThreadingHTTPServer):
    """Answers as the server does. asked: the requests' paths and keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.version = model_version(MANIFEST)
        self.status = 200
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        service = self.server
        assert isinstance(service, Service)
        service.asked.append((self.path, self.headers["Authorization"]))
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        of_health: dict[str, Any] = {"model_version": service.version}
        body = json.dumps(of_health if self.path == "/health" else {"label": "spam"}).encode()
        self.send_response(service.status if self.path == "/predict" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 the names that the base class calls

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path: Path, service: Service) -> str:
    """Return a PATH with a `pulumi` that applies everything and has this service's outputs."""
    outputs = json.dumps({"url": service.url, "apiKey": KEY})
    fake = tmp_path / "bin" / "pulumi"
    fake.parent.mkdir()
    of_outputs = f"'stack output') echo '{outputs}';;"
    fake.write_text(f'#!/bin/sh\ncase "$1 $2" in\n{of_outputs}\n*) exit $CODE;;\nesac\n')
    fake.chmod(0o755)
    return f"{fake.parent}:{os.environ['PATH']}"


@pytest.fixture
def deployed(project: Path) -> Path:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "public": "true"}
    write_stack(project, settings, "prod")
    return project


def test_a_right_answer_ends_well_and_is_kept(deployed: Path, path: str, service: Service) -> None:
    done = slipway(deployed, "up", "prod", PATH=path, CODE="0")
    assert done.returncode == 0, done.stderr
    assert "Smoke test passed, 1 request" in done.stderr
    assert [where for where, _ in service.asked] == ["/ready", "/health", "/predict"]
    assert service.asked[-1][1] == f"Bearer {KEY}"
    kept = json.loads((deployed / ".slipway/slipway-prod/smoke.json").read_text())
    assert (kept["answer"], kept["model_version"]) == ({"label": "spam"}, service.version)
    assert kept["latency_ms"] > 0
    assert KEY not in json.dumps(kept)


def test_a_wrong_answer_is_a_failed_rollout(deployed: Path, path: str, service: Service) -> None:
    service.status = 500
    done = slipway(deployed, "up", "prod", PATH=path, CODE="0")
    assert done.returncode == 1
    assert "is deployed and answers wrong: the model's own example was answered with 500" in done.stderr
    assert "gcloud run services update-traffic" in done.stderr


def test_another_model_than_the_stacks_is_a_failed_rollout(
    deployed: Path, path: str, service: Service
) -> None:
    service.version = "other-1+0123456789ab"
    done = slipway(deployed, "up", "prod", PATH=path, CODE="0")
    assert done.returncode == 1
    assert "other-1+0123456789ab serves, and sms-spam" in done.stderr


def test_a_file_of_expected_answers_counts(deployed: Path, path: str) -> None:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "public": "true"}
    write_stack(deployed, {**settings, "smokeTests": "smoke.jsonl"}, "prod")
    (deployed / "smoke.jsonl").write_text('{"request": {"text": "x"}, "answer": {"label": "ham"}}\n')
    done = slipway(deployed, "up", "prod", PATH=path, CODE="0")
    assert done.returncode == 1
    assert 'smoke.jsonl line 1 has label "spam", expected "ham"' in done.stderr
    (deployed / "smoke.jsonl").write_text("no JSON\n")
    assert "smoke test cannot run" in slipway(deployed, "up", "prod", PATH=path, CODE="0").stderr


def test_nothing_is_asked_after_a_failed_update_or_when_it_is_not_wanted(
    deployed: Path, path: str, service: Service
) -> None:
    assert slipway(deployed, "up", "prod", PATH=path, CODE="3").returncode == 3
    assert slipway(deployed, "up", "prod", "--no-smoke-test", PATH=path, CODE="0").returncode == 0
    assert service.asked == []


def test_the_cloud_s_own_way_back_is_named(deployed: Path) -> None:
    for command in (["rollback", "--stack", "prod"], ["pause", "prod"], ["promote", "prod"]):
        done = slipway(deployed, *command)
        assert done.returncode == 2
        assert (
            "`gcloud run services update-traffic slipway-prod --to-revisions=REVISION=100 --project acme-ml "
            "--region europe-west4`"
        ) in done.stderr
        assert "With `rollout: canary` or `blue-green` slipway moves them." in done.stderr


@pytest.mark.parametrize(
    ("url", "internal"),
    [
        ("http://api.models.svc", True),
        ("http://api", True),
        ("http://10.1.2.3:8080", True),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
    ],
)
def test_an_address_of_a_private_network_is_not_asked(url: str, internal: bool) -> None:
    assert is_internal(url) is internal
