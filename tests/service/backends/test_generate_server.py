"""`/generate` and OpenAI's routes on torch, in a server of its own."""
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

REASON = "torch is not installed here; `make test-torch` installs it and runs this"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)

from tests.service.backends.openai_client import CHAT, PROMPT, SEEDED, OpenAIClient, completed
from tests.service.backends.tiny_writers import CONTEXT, served, tiny_llama
from tests.service.running_server import AUTHORIZED, KEY, RunningServer, failed_start, running_server
from tests.service.test_service_openapi import assert_conforming


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "llama"
    tiny_llama(folder, letters_only=True)
    return served(folder, "generate")


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, MODEL_DIR=str(model), INFERENCE_THREADS="2") as server:
        yield server


@pytest.fixture(scope="module")
def official(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, timeout=60) as client:
        yield client


class TestOfficialClient(OpenAIClient):
    context = CONTEXT


def test_openais_client_gets_the_same_chat_whole_and_streamed(official: openai.OpenAI):
    create: Any = official.chat.completions.create
    whole: ChatCompletion = create(messages=CHAT, **SEEDED)
    assert whole.choices[0].message.content
    options = {"stream": True, "stream_options": {"include_usage": True}}
    parts: list[ChatCompletionChunk] = list(create(messages=CHAT, **SEEDED | options))
    text = "".join(part.choices[0].delta.content or "" for part in parts[:-1])
    assert text == whole.choices[0].message.content
    assert parts[-1].usage == whole.usage
    assert parts[-2].choices[0].finish_reason == whole.choices[0].finish_reason


def test_openais_client_gets_the_same_completion_whole_and_streamed(official: openai.OpenAI):
    whole = completed(official)
    assert whole.choices[0].text
    parts: Any = completed(official, stream=True)
    assert "".join(part.choices[0].text for part in parts) == whole.choices[0].text
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == len(PROMPT)


def test_a_client_that_leaves_frees_its_place(server: RunningServer, official: openai.OpenAI):
    body = {"prompt": PROMPT, "stream": True, "max_tokens": 200}
    for _ in range(8):  # four times as many as there are places
        with httpx.stream("POST", f"{server.url}/generate", json=body, headers=AUTHORIZED) as answer:
            next(answer.iter_lines())
    assert completed(official).choices[0].text


def test_a_model_without_a_chat_template_answers_a_chat_with_422(tmp_path: Path):
    tiny_llama(tmp_path / "llama", chat_template=None)
    model = served(tmp_path / "llama", "generate")
    with running_server(tmp_path / "log", MODEL_DIR=str(model)) as server:
        body = {"messages": CHAT}
        answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=AUTHORIZED)
        assert answer.status_code == 422
        assert "need a chat template" in answer.json()["detail"]


def test_nothing_but_the_usual_lines_is_logged(server: RunningServer):
    assert not [line for line in server.log if line["level"] in ("warning", "error", "critical")]


def test_a_context_beyond_the_models_is_refused_at_start(tmp_path: Path):
    tiny_llama(tmp_path / "llama")
    model = served(tmp_path / "llama", "generate", max_tokens=CONTEXT + 1)
    code, log, _ = failed_start(MODEL_DIR=str(model))
    assert code == 2
    assert f"config.json gives the model {CONTEXT} positions" in log[-1]["message"]


def test_answers_conform_to_the_document(model: Path, tmp_path: Path):
    assert_conforming(tmp_path, max_examples=8, model=model)
