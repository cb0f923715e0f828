"""`/generate`, `/summarize` and OpenAI's routes on CTranslate2, in servers of their own."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.service.backends.ct2_models import CONTEXT, llama, t5
from tests.service.backends.openai_client import CHAT, PROMPT, SEEDED, OpenAIClient, completed
from tests.service.running_server import AUTHORIZED, KEY, RunningServer, failed_start, running_server

TEXT = "The harbour was closed on Monday."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("models") / "llama"
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, MODEL_DIR=str(llama(folder, letters_only=True))) as server:
        yield server


@pytest.fixture(scope="module")
def summarizer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = t5(tmp_path_factory.mktemp("models") / "t5", max_tokens=64, max_new_tokens=20)
    with running_server(tmp_path_factory.mktemp("server") / "log", MODEL_DIR=str(folder)) as server:
        yield server


@pytest.fixture(scope="module")
def official(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, timeout=60) as client:
        yield client


def asked(server: RunningServer, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}{path}", json=body, headers=AUTHORIZED, timeout=60)


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
    assert len(parts) > 10  # it came as it was written
    assert parts[-1].usage == whole.usage
    assert parts[-2].choices[0].finish_reason == whole.choices[0].finish_reason == "length"


def test_openais_client_gets_the_same_completion_whole_and_streamed(official: openai.OpenAI):
    whole = completed(official)
    parts: Any = completed(official, stream=True)
    assert "".join(part.choices[0].text for part in parts) == whole.choices[0].text
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (len(PROMPT), 40)


def test_a_seed_that_cannot_be_kept_is_refused_with_the_reason(server: RunningServer):
    refused = asked(server, "/generate", prompt="A", seed=1, max_tokens=4)
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "seed needs a prompt of two tokens or more; send a longer prompt, or no seed"
    )
    assert refused.json()["errors"][0]["pointer"] == "#/seed"


def test_a_request_is_answered_as_by_any_engine(server: RunningServer):
    answer = asked(server, "/generate", prompt=PROMPT, max_tokens=8, temperature=0).json()
    assert set(answer) == {"text", "finish_reason", "usage", "latency_ms", "model_version"}
    assert answer["usage"] == {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20}


def test_a_client_that_leaves_ends_its_answer_and_no_other(server: RunningServer, official: openai.OpenAI):
    expected = completed(official).choices[0].text
    body = {"prompt": PROMPT, "stream": True, "max_tokens": 200}
    for _ in range(40):  # more than there are places
        with httpx.stream("POST", f"{server.url}/generate", json=body, headers=AUTHORIZED) as answer:
            next(answer.iter_lines())
    assert completed(official).choices[0].text == expected


def test_sixty_four_long_ones_at_once_are_answered_or_told_to_come_later(server: RunningServer):
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(asked(server, "/generate", prompt=PROMPT, max_tokens=200).status_code)

    askers = [threading.Thread(target=ask) for _ in range(64)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(timeout=120)
    assert len(statuses) == 64
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= 32


def test_summaries_are_the_models_and_long_texts_and_lists_get_theirs(summarizer: RunningServer):
    one = asked(summarizer, "/summarize", text=TEXT).json()
    assert set(one) == {"summary", "latency_ms", "model_version"}
    assert one["summary"]
    long = [asked(summarizer, "/summarize", text=f"{TEXT} " * 10) for _ in range(2)]
    assert [answer.status_code for answer in long] == [200, 200]
    assert long[0].json()["summary"] == long[1].json()["summary"]
    many = asked(summarizer, "/summarize", text=[TEXT, f"{TEXT} " * 10]).json()["summaries"]
    assert many == [one["summary"], long[0].json()["summary"]]


def test_a_text_of_too_many_parts_is_refused(summarizer: RunningServer):
    refused = asked(summarizer, "/summarize", text=f"{TEXT} " * 100)
    assert refused.status_code == 422
    assert "at most 16 parts" in refused.json()["detail"]


def test_nothing_but_the_usual_lines_is_logged(server: RunningServer, summarizer: RunningServer):
    lines = [*server.log, *summarizer.log]
    assert not [line for line in lines if line["level"] in ("warning", "error", "critical")]


def changed(folder: Path, place: int, to: bytes) -> Path:
    """Write bytes into model.bin, and its hash into the manifest, as for a file that was made so."""
    import hashlib

    path, manifest = folder / "model.bin", folder / "manifest.json"
    content = bytearray(path.read_bytes())
    content[place : place + len(to)] = to
    path.write_bytes(content)
    said = json.loads(manifest.read_text())
    said["files"]["model.bin"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest.write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize(
    ("place", "to", "told"),
    [
        (0, b"\x07\x00\x00\x00", r"format 6, which this server reads: it begins with 7"),
        (0, b"PK\x03\x04", r"another engine's file"),
        (6, b"Transforner", r"holds a 'Transforner"),
        (4 + 2 + 16, b"\x63\x00\x00\x00", r"has revision 99 of TransformerSpec; this server reads"),
        (4 + 2 + 16 + 4, b"\xff\xff\xff\x00", "it lists 16777215 variables"),
    ],
)
def test_a_model_of_another_version_or_a_damaged_one_is_refused(
    tmp_path: Path, place: int, to: bytes, told: str
):
    folder = changed(t5(tmp_path / "t5"), place, to)
    code, log, _ = failed_start(MODEL_DIR=str(folder))
    assert code == 2
    assert told in log[-1]["message"]


def test_a_model_that_was_cut_off_is_refused(tmp_path: Path):
    folder = t5(tmp_path / "t5")
    path = folder / "model.bin"
    path.write_bytes(path.read_bytes()[:-1000])
    code, log, _ = failed_start(MODEL_DIR=str(changed(folder, 0, b"\x06")))
    assert code == 2
    assert "is damaged, or no model of CTranslate2: it ends" in log[-1]["message"]


def test_a_model_of_the_other_kind_or_with_anothers_tokenizer_is_refused(tmp_path: Path):
    folder = llama(tmp_path / "llama")
    vocabulary = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps([*vocabulary[:5], *vocabulary[6:], "x"]))
    content = json.loads((folder / "manifest.json").read_text())
    for name in ("vocabulary.json",):
        del content["files"][name]
    (folder / "manifest.json").write_text(json.dumps(content))
    code, log, _ = failed_start(MODEL_DIR=str(folder))
    assert code == 2
    assert "files lacks ['vocabulary.json']; engine 'ctranslate2' needs" in log[-1]["message"]


def test_a_gpu_is_refused(tmp_path: Path):
    code, log, _ = failed_start(MODEL_DIR=str(t5(tmp_path / "t5")), DEVICE="cuda")
    assert code == 2
    assert "computes on the CPU here" in log[-1]["message"]


def test_a_short_answer_is_not_behind_a_long_one(server: RunningServer):
    ends: list[float] = []

    def write() -> None:
        asked(server, "/generate", prompt=PROMPT, max_tokens=240, temperature=0)
        ends.append(time.perf_counter())

    long = [threading.Thread(target=write) for _ in range(8)]
    for each in long:
        each.start()
    asked(server, "/generate", prompt="B slipway", max_tokens=2, temperature=1)
    short = time.perf_counter()
    for each in long:
        each.join()
    assert short < max(ends)
