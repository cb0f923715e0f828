import httpx
import orjson
import pytest

from slipway.service.manifest import Manifest, TextManifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.service.running_server import HAM, SPAM

MAX_TOKENS = TextManifest.read(BUNDLED_MODEL, TASKS).max_tokens


def predict(client: httpx.Client, **body: object) -> httpx.Response:
    return client.post("/predict", json=body)


def test_one_text_is_answered_with_label_probability_latency_and_model_version(client: httpx.Client):
    answer = predict(client, text=SPAM)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"label", "proba", "latency_ms", "model_version"}
    assert body["label"] == "spam"
    assert 0.5 < body["proba"] <= 1
    assert 0 < body["latency_ms"] < 10_000
    assert body["model_version"] == Manifest.read(BUNDLED_MODEL, TASKS).model_version
    assert predict(client, text=HAM).json()["label"] == "ham"


def test_a_list_of_texts_is_answered_as_each_text_alone_in_the_same_order(client: httpx.Client):
    texts = [SPAM, HAM, "é€😀", "a", SPAM + HAM, "word " * 100] * 5
    alone = [predict(client, text=text).json() for text in texts]
    together = predict(client, text=texts).json()
    assert together.keys() == {"predictions", "latency_ms", "model_version"}
    assert together["predictions"] == [{"label": one["label"], "proba": one["proba"]} for one in alone]


def test_a_list_of_one_text_is_answered_with_a_list(client: httpx.Client):
    assert len(predict(client, text=[HAM]).json()["predictions"]) == 1


def test_as_many_texts_as_allowed_are_answered_in_one_call(client: httpx.Client):
    answer = predict(client, text=[HAM] * 1000)
    assert len(answer.json()["predictions"]) == 1000


def test_a_text_over_the_models_limit_is_refused_with_its_count_and_the_limit(client: httpx.Client):
    answer = predict(client, text="word " * (2 * MAX_TOKENS))
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:slipway:problem:text-too-long"
    assert f"the model takes {MAX_TOKENS}" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "#/text"


def test_every_text_over_the_limit_in_a_list_is_named(client: httpx.Client):
    long = "word " * (2 * MAX_TOKENS)
    answer = predict(client, text=[HAM, long, HAM, long])
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("text[1] has ")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/text/1", "#/text/3"]


def test_a_text_over_the_limit_is_cut_when_asked_and_the_answer_says_so(client: httpx.Client):
    long = "word " * (2 * MAX_TOKENS)
    assert predict(client, text=long, truncate=True).json()["truncated"] is True
    predictions = predict(client, text=[HAM, long], truncate=True).json()["predictions"]
    assert "truncated" not in predictions[0]
    assert predictions[1]["truncated"] is True


def test_a_text_that_spells_a_special_token_is_taken_as_text(client: httpx.Client):
    assert predict(client, text="[SEP]").json()["proba"] != predict(client, text="[PAD]").json()["proba"]


@pytest.mark.parametrize("header", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_recognised_whatever_the_case_and_parameters(client: httpx.Client, header: str):
    answer = client.post("/predict", content=orjson.dumps({"text": HAM}), headers={"Content-Type": header})
    assert answer.status_code == 200


def test_a_body_in_chunks_is_answered(client: httpx.Client):
    content = iter([b'{"te', b'xt": "a"}'])
    assert client.post("/predict", content=content, headers={"Content-Type": "application/json"}).is_success
