"""What a server reports of its model's quality, and the true labels that it is given later."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.service.engine import Observation
from slipway.service.faults import FeedbackRepeated, PredictionUnknown
from slipway.service.manifest import Manifest
from slipway.service.quality import Quality
from slipway.service.quality.feedback import Feedback
from slipway.service.quality.quality import MOST_OF_A_CALL
from slipway.service.settings import BUNDLED_MODEL
from tests.service.metrics_pages import require_promtool_accepts, scraped
from tests.service.running_server import AUTHORIZED, HAM, SPAM, RunningServer, failed_start, running_server

LABELS = ["ham", "spam"]
REFERENCE = {"class": [900, 100], "confidence": [0] * 8 + [50, 100, 400, 300, 100, 50, 0, 0]}


def model_with(folder: Path, **keys: Any) -> Path:
    shutil.copytree(BUNDLED_MODEL, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | keys))
    return folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    model = model_with(tmp_path_factory.mktemp("model") / "m", reference={"signals": REFERENCE})
    with running_server(tmp_path_factory.mktemp("quality") / "log", MODEL_DIR=str(model)) as server:
        yield server


@pytest.fixture(scope="module")
def judge(judged: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=judged.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


def predicted(client: httpx.Client, text: str | list[str]) -> str:
    """Return the request's id."""
    return client.post("/predict", json={"text": text}).headers["x-request-id"]


def given(client: httpx.Client, **body: object) -> httpx.Response:
    return client.post("/feedback", json=body)


def test_true_labels_that_come_later_give_precision_and_recall(judge: httpx.Client) -> None:
    many = predicted(judge, [SPAM, SPAM, HAM, HAM])
    for index, label in enumerate(["spam", "ham", "ham", "ham"]):
        answer = given(judge, request_id=many, index=index, label=label)
        assert answer.status_code == 200
        assert answer.json() == {"predicted": "spam" if index < 2 else "ham", "label": label}
    one = predicted(judge, HAM)
    assert given(judge, request_id=one, label="ham").status_code == 200
    report = judge.get("/quality").json()
    assert (report["feedback"]["given"], report["feedback"]["right"]) == (5, 4)
    assert (report["answers"]["requests"], report["answers"]["failed"]) == (2, 0)
    labels = report["feedback"]["labels"]
    assert labels["spam"] == {"predicted": 2, "true": 1, "right": 1, "precision": 0.5, "recall": 1}
    assert labels["ham"] == {"predicted": 3, "true": 4, "right": 3, "precision": 1, "recall": 0.75}


def test_feedback_that_cannot_count_is_refused_with_its_cause(judge: httpx.Client) -> None:
    known = predicted(judge, HAM)
    assert given(judge, request_id=known, label="ham").status_code == 200
    for body, status, cause in (
        ({"request_id": known, "label": "spam"}, 409, "feedback-repeated"),
        ({"request_id": known, "label": "ham", "index": 1}, 404, "prediction-unknown"),
        ({"request_id": "never-seen", "label": "ham"}, 404, "prediction-unknown"),
        ({"request_id": known, "label": "eggs"}, 422, "invalid-input"),
        ({"request_id": known}, 422, "invalid-input"),
        ({"request_id": known, "label": "ham", "index": -1}, 422, "invalid-input"),
        ({"request_id": known, "label": "ham", "more": 1}, 422, "invalid-input"),
        ({"request_id": known, "label": "ham" * 2000}, 413, "body-too-large"),
    ):
        answer = given(judge, **body)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:slipway:problem:{cause}"), body
    answer = judge.post("/feedback", content=b"{")
    assert answer.json()["type"] == "urn:slipway:problem:invalid-json"


@pytest.mark.parametrize(("method", "path"), [("GET", "/quality"), ("POST", "/feedback")])
def test_both_need_the_key(judged: RunningServer, method: str, path: str) -> None:
    assert httpx.request(method, f"{judged.url}{path}", json={}).status_code == 401


def test_the_page_of_metrics_shows_predictions_and_drift_by_version(
    judged: RunningServer, judge: httpx.Client
) -> None:
    def raised() -> float:
        return scraped(judged.metrics_url).value("slipway_drift", signal="class")

    predicted(judge, [HAM] * MOST_OF_A_CALL)
    assert raised() == 0
    page = scraped(judged.metrics_url)
    version = judge.get("/quality").json()["model_version"]
    assert page.value("slipway_predictions_total", model_version=version, label="ham") >= MOST_OF_A_CALL
    assert page.value("slipway_confidence_bucket", le="+Inf") == page.value("slipway_predictions_total")
    assert page.value("slipway_input_tokens_bucket", le="+Inf") == page.value("slipway_predictions_total")
    require_promtool_accepts(page.text)
    for _ in range(3):
        predicted(judge, [SPAM] * MOST_OF_A_CALL)
    assert raised() == 1
    report = judge.get("/quality").json()["signals"]
    assert report["class"]["has_drifted"]
    assert report["class"]["psi"] > 0.25
    assert report["length"]["psi"] is None
    assert not report["length"]["has_reference"]


def test_a_label_with_a_line_break_is_one_label_everywhere(tmp_path: Path) -> None:
    odd = 'ham\n"\\ slipway_forged_total{} 1\n'
    model = model_with(tmp_path / "m", labels=[odd, "spam"])
    with (
        running_server(tmp_path / "log", MODEL_DIR=str(model)) as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        sent = predicted(client, HAM)
        assert given(client, request_id=sent, label=odd).json() == {"predicted": odd, "label": odd}
        assert client.get("/quality").json()["feedback"]["labels"][odd]["right"] == 1
        page = scraped(server.metrics_url)
        assert page.value("slipway_predictions_total", label=odd) == 1
        assert page.value("slipway_feedback_total", predicted=odd, label=odd) == 1
        assert not [each for each in page.samples if each.name == "slipway_forged_total"]
        server.requests_logged(3)
        assert server.log  # each line is one
        require_promtool_accepts(page.text)


def test_a_reference_for_another_number_of_labels_stops_the_start(tmp_path: Path) -> None:
    model = model_with(tmp_path / "m", reference={"signals": {"class": [1, 2, 3]}})
    code, log, _ = failed_start(MODEL_DIR=str(model))
    assert (code, log[-1]["cause"]) == (2, "bad_model")
    assert "reference.signals.class has 3 counts; this model needs 2" in log[-1]["message"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_predictions_wait_in_a_store_that_is_bounded_by_count_and_by_time() -> None:
    clock = Clock()
    feedback = Feedback(most=3, seconds=60, clock=clock)
    for number in range(1000):
        feedback.keep(f"{number}", ["ham"])
    assert feedback.held == 3
    feedback.keep("many", ["ham"] * 4)  # more than there is room for
    feedback.keep("999", ["spam"])  # the id comes again
    assert feedback.held == 3
    assert feedback.give("999", 0, "ham") == "spam"
    assert (feedback.held, feedback.waiting) == (3, 2)
    with pytest.raises(FeedbackRepeated):
        feedback.give("999", 0, "ham")
    with pytest.raises(PredictionUnknown):
        feedback.give("0", 0, "ham")
    clock.now = 61
    with pytest.raises(PredictionUnknown):
        feedback.give("998", 0, "ham")
    assert feedback.held == feedback.waiting == 0
    assert dict(feedback.outcomes) == {("spam", "ham"): 1}


def test_of_a_large_call_the_first_texts_count() -> None:
    manifest = Manifest.model_validate(
        {"name": "m", "version": "1", "task": "classify", "license": "MIT", "files": {}}
    )
    quality = Quality(manifest, Feedback(10, 60))
    quality.observe("id", [Observation(None, None, 5, 0)] * 1000)
    assert quality.predictions == MOST_OF_A_CALL
