"""`slipway quality` shows what a server reports."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.infra.command import refused, slipway
from tests.service.running_server import AUTHORIZED, HAM, KEY, RunningServer, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server") / "log") as server:
        with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
            sent = client.post("/predict", json={"text": [HAM, HAM]}).headers["x-request-id"]
            for index, label in enumerate(("ham", "spam")):
                client.post("/feedback", json={"request_id": sent, "index": index, "label": label})
        yield server


def test_people_read_predictions_drift_and_feedback(project: Path, server: RunningServer) -> None:
    done = slipway(project, "quality", "--url", server.url, MODEL_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("sms-spam-")
    assert first.endswith(": 2 predictions")
    assert "  class       no reference; write one with `slipway model reference`" in rest
    assert "  feedback    2 labels given, 0 predictions wait for one" in rest
    assert "    ham                  precision 0.500, recall 1.000" in rest
    assert "    spam                 precision unknown, recall 0.000" in rest


def test_programs_read_the_report_itself(project: Path, server: RunningServer) -> None:
    done = slipway(project, "quality", "--url", server.url, "--format", "json", MODEL_API_KEY=KEY)
    assert json.loads(done.stdout) == httpx.get(f"{server.url}/quality", headers=AUTHORIZED).json()


def test_a_server_is_compared_with_another(project: Path, server: RunningServer, tmp_path: Path) -> None:
    other_key = "the-key-of-the-other-server"
    with running_server(tmp_path / "log", MODEL_API_KEY=other_key) as other:
        line = ("quality", "--url", server.url, "--against", other.url)
        done = slipway(project, *line, MODEL_API_KEY=KEY, AGAINST_API_KEY=other_key)
        assert done.returncode == 0, done.stderr
        compared = [each for each in done.stdout.splitlines() if "no data -> " in each]
        assert "  accuracy               no data -> 50.00% of 2  " in compared
        assert "  share ham              no data -> 100.00% of 2  " in compared
        done = slipway(project, *line, "--format", "json", MODEL_API_KEY=KEY, AGAINST_API_KEY=other_key)
        report = json.loads(done.stdout)
        assert report["comparison"]["rates"][0]["second"] == {"count": 0, "total": 1, "value": 0}
        done = slipway(project, *line, MODEL_API_KEY=KEY)
        assert "answered 401. The key in MODEL_API_KEY is not the server's." in done.stderr
    done = slipway(project, *line, MODEL_API_KEY=KEY)
    assert done.returncode == 1


def test_a_wrong_key_and_a_server_that_is_none_fail_with_the_reason(
    project: Path, server: RunningServer
) -> None:
    done = slipway(project, "quality", "--url", server.url, MODEL_API_KEY="another-key-of-24-letters")
    assert done.returncode == 1
    assert "/quality answered 401. The key in MODEL_API_KEY is not the server's." in done.stderr
    done = slipway(project, "quality", "--url", f"{server.url}/docs", MODEL_API_KEY=KEY)
    assert "answered 404" in done.stderr
    done = slipway(project, "quality", "--url", "http://127.0.0.1:1", MODEL_API_KEY=KEY)
    assert "did not answer" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--url", "http://127.0.0.1:1"], {}, "MODEL_API_KEY is not set"),
        (["--url", "file:///etc/passwd"], {"MODEL_API_KEY": KEY}, "begins with http:// or https://"),
        (["--where", 'job="a"'], {}, "it has no meaning with one server"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    project: Path, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    said = " ".join(refused(project, "quality", *arguments, **variables).split())
    assert message in said
