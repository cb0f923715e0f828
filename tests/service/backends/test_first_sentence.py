"""A small trained model, converted by `slipway model add`, answers right in the server."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server

pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed here")

FOLDER = Path(__file__).with_name("first-sentence")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("first-sentence") / "log"
    with running_server(log, MODEL_DIR=str(FOLDER)) as running:
        yield running


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("The harbour was closed. Nobody was hurt.", "The harbour was closed."),
        ("A storm came on monday. It rained.", "A storm came on monday."),
        ("Where is my order. It should be here.", "Where is my order."),
        ("The parcel came late. It was broken.", "The parcel came late."),
        ("Nobody was hurt. The harbour opened again.", "Nobody was hurt."),
    ],
)
def test_the_first_sentence_is_the_summary(server: RunningServer, text: str, summary: str) -> None:
    answer = httpx.post(f"{server.url}/summarize", json={"text": text}, headers=AUTHORIZED, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"] == summary
    assert answer.json()["model_version"].startswith("first-sentence-1.0.0+")
