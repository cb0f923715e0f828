"""`/embed` and `/v1/embeddings` over HTTP, with a model whose vectors numpy computes too."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from slipway.service.settings import BUNDLED_MODEL
from tests.service.running_server import AUTHORIZED, KEY, RunningServer, failed_start, running_server
from tests.service.tasks.embedding_model import (
    MAX_TOKENS,
    WIDTH,
    embedding_model,
    expected,
    manifest_for,
)

FIRST = "how do i reset my password ?"
SECOND = "i cannot log in any more ."
LONG = "password " * (MAX_TOKENS + 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embedding_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def embedder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("embed") / "log", MODEL_DIR=str(model)) as server:
        yield server


@pytest.fixture(scope="module")
def client(embedder: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=embedder.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


def test_one_text_is_answered_with_its_vector(client: httpx.Client):
    answer = client.post("/embed", json={"text": FIRST}).json()
    assert answer.keys() == {"embedding", "latency_ms", "model_version"}
    np.testing.assert_allclose(answer["embedding"], expected(FIRST), atol=1e-6)
    assert answer["model_version"].startswith("tiny-embed-1.0.0+")


def test_texts_are_answered_in_their_order_whatever_their_lengths(client: httpx.Client):
    texts = [FIRST, "password", SECOND, "more more more", "log in"] * 20
    answer = client.post("/embed", json={"text": texts}).json()
    np.testing.assert_allclose(answer["embeddings"], [expected(text) for text in texts], atol=1e-6)


def test_a_long_text_is_refused_with_its_tokens_and_the_limit(client: httpx.Client):
    answer = client.post("/embed", json={"text": [FIRST, LONG]})
    assert answer.status_code == 422
    assert f"text[1] has {MAX_TOKENS + 3} tokens; the model takes {MAX_TOKENS}" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "#/text/1"


def test_a_long_text_is_cut_where_that_is_asked_for_and_the_answer_says_so(client: httpx.Client):
    one = client.post("/embed", json={"text": LONG, "truncate": True}).json()
    assert one["truncated"] is True
    many = client.post("/embed", json={"text": [FIRST, LONG], "truncate": True}).json()
    assert many["truncated"] == [1]
    np.testing.assert_allclose(many["embeddings"][1], expected("password"), atol=1e-6)


def official(server: RunningServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_official_openai_client_works_unchanged(embedder: RunningServer, encoding: str):
    with official(embedder) as openai_client:
        answer = openai_client.embeddings.create(
            model="tiny-embed",
            input=[FIRST, SECOND],
            encoding_format=encoding,  # pyright: ignore[reportArgumentType] - both are allowed
        )
    assert [each.index for each in answer.data] == [0, 1]
    vectors = [
        np.frombuffer(base64.b64decode(each.embedding), "<f4")
        if isinstance(each.embedding, str)
        else np.array(each.embedding)
        for each in answer.data
    ]
    np.testing.assert_allclose(vectors, [expected(FIRST), expected(SECOND)], atol=1e-6)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 14


def test_openais_client_gets_numbers_by_its_own_default_too(embedder: RunningServer):
    with official(embedder) as openai_client:
        answer = openai_client.embeddings.create(model="any", input=FIRST, user="ada")
    np.testing.assert_allclose(answer.data[0].embedding, expected(FIRST), atol=1e-6)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"input": FIRST, "dimensions": 4}, f"dimensions is 4; this model has {WIDTH}"),
        ({"input": []}, "input is an empty list"),
        ({"input": ""}, "input is empty"),
        ({"input": [1, 2]}, "input[0]"),
        ({"input": FIRST, "encoding_format": "int8"}, "encoding_format"),
        ({"model": "m"}, "input is required"),
        ({"input": LONG}, f"input has {MAX_TOKENS + 3} tokens"),
    ],
)
def test_what_openais_form_does_not_allow_is_told(client: httpx.Client, body: dict[str, object], said: str):
    answer = client.post("/v1/embeddings", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert "truncate" not in answer.json()["detail"]


def test_openais_form_asks_for_the_key_too(embedder: RunningServer):
    assert httpx.post(f"{embedder.url}/v1/embeddings", json={"input": FIRST}).status_code == 401


def test_the_document_describes_both_routes_and_no_other_of_the_model(client: httpx.Client):
    paths = client.get("/openapi.json").json()["paths"]
    assert "/predict" not in paths
    assert paths["/embed"]["post"]["operationId"] == "embed"
    answer = paths["/v1/embeddings"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/OpenAiAnswer"}
    assert client.post("/predict", json={"text": FIRST}).status_code == 404


def test_a_classifier_under_the_name_of_an_embedder_is_refused(tmp_path: Path):
    folder = shutil.copytree(BUNDLED_MODEL, tmp_path / "classifier")
    manifest_for(folder, "embed")
    code, log, _ = failed_start(MODEL_DIR=str(folder))
    assert code == 2
    assert (
        "outputs are {'logits': 'tensor(float)'}; expected emb or sentence_embedding or" in log[-1]["message"]
    )
