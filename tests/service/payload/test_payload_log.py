"""The server with sampled payloads: what its log has, and when it does not start."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.checkout import ROOT
from tests.service.metrics_pages import require_promtool_accepts, scraped
from tests.service.running_server import (
    AUTHORIZED,
    KEY,
    RunningServer,
    environment,
    failed_start,
    running_server,
)
from tests.service.tasks.table_model import classifier

TEXT = f"Hi Sarah, pay 4111 1111 1111 1111 with {KEY} and write to jane@example.com or call 09061701461\u202e"

HIDES_THE_LIBRARY = """
import sys

class Hiding:
    def find_spec(self, name, path=None, target=None):
        if name == "presidio_analyzer":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hiding())
"""


def payload_line(server: RunningServer) -> dict[str, Any]:
    """Return the first one: the process that anonymises starts only then."""
    end = time.monotonic() + 180
    while not (found := [line for line in server.log if line["message"] == "payload"]):
        assert time.monotonic() < end, server.log_text
        time.sleep(0.05)
    return found[0]


def test_a_sampled_request_is_in_the_log_without_what_identifies_a_person(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", PAYLOAD_SHARE="1") as server:
        answer = httpx.post(f"{server.url}/predict", json={"text": TEXT}, headers=AUTHORIZED)
        assert answer.status_code == 200
        httpx.post(f"{server.url}/predict", json={"text": 1}, headers=AUTHORIZED)  # no payload
        line = payload_line(server)
        page = scraped(server.metrics_url)
        [request, _] = server.requests_logged(2)
        text = server.log_text
    assert line["kind"] == "payload"
    assert line["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert line["model_version"].startswith("sms-spam-")
    assert line["predictions"][0]["label"] == answer.json()["label"]
    [cleaned] = line["request"].values()
    assert cleaned.startswith(
        "Hi <PERSON>, pay [removed] with [removed] and write to [removed] or call <PHONE"
    )
    for part in ("Sarah", "4111", KEY, "jane", "0906", "\u202e"):
        assert part not in text
    assert page.value("slipway_payload_samples_total", outcome="written") == 1
    require_promtool_accepts(page.text)


def test_by_default_nothing_is_sampled(tmp_path: Path) -> None:
    with running_server(tmp_path / "log") as server:
        for _ in range(20):
            httpx.post(f"{server.url}/predict", json={"text": "hello"}, headers=AUTHORIZED)
        server.requests_logged(20)
        assert "hello" not in server.log_text
        assert "payload" not in server.log_text
        assert "slipway_payload_samples" not in scraped(server.metrics_url).text


def test_the_server_does_not_start_without_the_library(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDES_THE_LIBRARY)
    code, log, _ = failed_start(PAYLOAD_SHARE="0.5", PYTHONPATH=str(tmp_path))
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert "PAYLOAD_SHARE: above 0, but this installation cannot anonymise." in log[-1]["message"]
    assert "--build-arg PAYLOAD=1" in log[-1]["message"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"PAYLOAD_SHARE": "2"}, "PAYLOAD_SHARE: got '2'; allowed: a number from 0 to 1."),
        ({"PAYLOAD_SHARE": "0.1", "LOG_LEVEL": "warning"}, "allowed: 0, or LOG_LEVEL info or debug"),
        (
            {"PAYLOAD_SHARE": "0.1", "PAYLOAD_SPACY_MODEL": "no_such_model"},
            "got 'no_such_model', which is no",
        ),
        (
            {"PAYLOAD_SHARE": "0.1", "PAYLOAD_SPACY_MODEL": "../x"},
            "got '../x', which is no installed package",
        ),
    ],
)
def test_a_setting_that_cannot_hold_stops_the_start(settings: dict[str, str], message: str) -> None:
    code, log, _ = failed_start(**settings)
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert message in log[-1]["message"]


def test_rows_of_a_table_are_not_sampled(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "table")
    code, log, _ = failed_start(PAYLOAD_SHARE="0.1", MODEL_DIR=str(folder))
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert "PAYLOAD_SHARE: above 0, but the model's task is tabular; allowed: 0" in log[-1]["message"]


def test_the_library_is_not_loaded_unless_payloads_are_sampled() -> None:
    code = (
        "import sys; import service.server, service.api.app\n"
        "assert not {'presidio_analyzer', 'spacy', 'phonenumbers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=True, timeout=60)
