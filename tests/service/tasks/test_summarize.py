"""`/summarize` over HTTP, with a model that gives the beginning of each text in capitals."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from slipway.service.faults import BadModel
from slipway.service.tasks import tokenizing
from slipway.service.tasks.summaries import MAX_CHUNKS, MAX_ROUNDS
from tests.service.running_server import AUTHORIZED
from tests.service.tasks.fake_writers import FakeSeq2Seq, serving, summarizing

# A token a letter: 64 of them less the prefix's 11 and the end leave 52 for a text.
ROOM = 52
SHORT = "a storm closed the harbour"
SENTENCE = "the harbour was closed. "


@pytest.fixture(scope="module")
def backend() -> FakeSeq2Seq:
    return FakeSeq2Seq()


@pytest.fixture(scope="module")
def client(backend: FakeSeq2Seq) -> Iterator[httpx.Client]:
    with (
        serving(summarizing(backend)) as served,
        httpx.Client(base_url=served.url, headers=AUTHORIZED, timeout=20) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def _forget(backend: FakeSeq2Seq) -> None:
    backend.seen.clear()


def test_one_text_is_answered_with_its_summary(client: httpx.Client, backend: FakeSeq2Seq):
    answer = client.post("/summarize", json={"text": SHORT}).json()
    assert answer.keys() == {"summary", "latency_ms", "model_version"}
    assert answer["summary"] == "A STORM"
    assert answer["model_version"] == "fake-1.0.0+000000000000"
    assert backend.seen == [(f"summarize: {SHORT}", 0, 40)]


def test_a_list_is_answered_in_its_order(client: httpx.Client):
    answer = client.post("/summarize", json={"text": ["one", "two", "three"]}).json()
    assert answer["summaries"] == ["ONE", "TWO", "THREE"]
    assert answer.keys() == {"summaries", "latency_ms", "model_version"}


def test_the_summarys_bounds_reach_the_model(client: httpx.Client, backend: FakeSeq2Seq):
    answer = client.post("/summarize", json={"text": SHORT, "min_tokens": 10, "max_tokens": 12}).json()
    assert answer["summary"] == "A STORM CL"
    assert backend.seen[0][1:] == (10, 12)


def test_a_long_text_is_summarised_part_by_part_and_then_together(client: httpx.Client, backend: FakeSeq2Seq):
    answer = client.post("/summarize", json={"text": SENTENCE * 6, "min_tokens": 2}).json()
    texts = [text for text, _, _ in backend.seen]
    assert texts[:3] == [f"summarize: {SENTENCE * 2}"] * 3
    # Their summaries have at most a quarter of what the model takes; the bounds asked for hold for the last.
    assert [bounds for _, *bounds in backend.seen] == [[0, ROOM // 4]] * 3 + [[2, 40]]
    assert texts[3] == "summarize: " + "\n".join(["THE HARB"] * 3)
    assert answer["summary"] == "THE HARB"
    assert "truncated" not in answer


def test_the_most_parts_that_are_taken_need_a_bounded_number_of_summaries(
    client: httpx.Client, backend: FakeSeq2Seq
):
    backend.keeps = ROOM
    try:
        answer = client.post("/summarize", json={"text": SENTENCE * 2 * MAX_CHUNKS})
    finally:
        backend.keeps = 8
    assert answer.status_code == 200
    assert "truncated" not in answer.json()
    assert MAX_CHUNKS < len(backend.seen) <= 2 * MAX_CHUNKS
    assert max(len(text) for text, _, _ in backend.seen) <= ROOM + len("summarize: ")
    assert MAX_ROUNDS >= 4


def test_a_text_of_too_many_parts_is_refused_with_its_tokens_and_the_limit(
    client: httpx.Client, backend: FakeSeq2Seq
):
    long = SENTENCE * 2 * (MAX_CHUNKS + 1)
    answer = client.post("/summarize", json={"text": [SHORT, long, SHORT]})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:slipway:problem:text-too-long"
    assert f"text[1] has {len(long)} tokens; at most {MAX_CHUNKS} parts of up to {ROOM}" in problem["detail"]
    assert problem["errors"] == [{"pointer": "#/text/1", "detail": f"has {len(long)} tokens"}]
    assert len(backend.seen) <= 2


def test_a_text_of_too_many_parts_is_cut_where_that_is_asked_for_and_the_answer_says_so(
    client: httpx.Client,
):
    long = SENTENCE * 2 * (MAX_CHUNKS + 1)
    one = client.post("/summarize", json={"text": long, "truncate": True}).json()
    assert (one["summary"], one["truncated"]) == ("THE HARB", True)
    many = client.post("/summarize", json={"text": [SHORT, long], "truncate": True}).json()
    assert many["truncated"] == [1]


@pytest.mark.parametrize(
    ("sentence", "window_bytes"), [(SENTENCE, 950), ("no end of words ", 950), ("é ü. ", 1150)]
)
def test_the_parts_of_a_long_text_are_known_from_its_beginning(
    client: httpx.Client,
    backend: FakeSeq2Seq,
    monkeypatch: pytest.MonkeyPatch,
    sentence: str,
    window_bytes: int,
):
    body = {"text": sentence * (990 // len(sentence)), "truncate": True}
    whole = client.post("/summarize", json=body).json()
    seen = backend.seen[:]
    backend.seen.clear()
    monkeypatch.setattr(tokenizing, "FIRST_BYTES", 100)
    monkeypatch.setattr(tokenizing, "COUNTED_BYTES", window_bytes)
    monkeypatch.setattr(tokenizing, "BYTES_PER_TOKEN", 1)
    monkeypatch.setattr(tokenizing, "SLICE_CHARACTERS", 10)
    bounded = client.post("/summarize", json=body).json()
    assert backend.seen == seen
    assert bounded["truncated"] is whole["truncated"] is True
    refused = client.post("/summarize", json=body | {"truncate": False}).json()
    assert refused["errors"] == [{"pointer": "#/text", "detail": f"has more than {17 * ROOM} tokens"}]


def test_a_text_that_spells_a_special_token_is_a_text(client: httpx.Client, backend: FakeSeq2Seq):
    client.post("/summarize", json={"text": "a </s> b"})
    assert backend.seen[0][0] == "summarize: a </s> b"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "text is required"),
        ({"text": ""}, "text is empty"),
        ({"text": []}, "text is an empty list"),
        ({"text": 5}, "text is neither a text nor a list of texts"),
        ({"text": SHORT, "max_tokens": 0}, "max_tokens is below 1"),
        ({"text": SHORT, "max_tokens": 41}, "max_tokens is above 40"),
        ({"text": SHORT, "max_tokens": "9"}, "max_tokens is not a whole number"),
        ({"text": SHORT, "min_tokens": -1}, "min_tokens is below 0"),
        ({"text": SHORT, "min_tokens": 9, "max_tokens": 8}, "min_tokens is 9, above max_tokens, 8"),
        ({"text": SHORT, "length": 9}, "length is not a field of this request"),
    ],
)
def test_a_request_that_does_not_fit_is_told_why(client: httpx.Client, body: dict[str, object], said: str):
    answer = client.post("/summarize", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_the_document_tells_the_limits_and_its_examples_are_answered(client: httpx.Client):
    document = client.get("/openapi.json").json()
    properties = document["components"]["schemas"]["SummarizeRequest"]["properties"]
    assert all(field["description"] and field["examples"] for field in properties.values())
    assert properties["max_tokens"]["anyOf"][0] == {"maximum": 40, "minimum": 1, "type": "integer"}
    operation = document["paths"]["/summarize"]["post"]
    answers = operation["responses"]["200"]["content"]["application/json"]["examples"]
    for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
        answer = client.post("/summarize", json=example["value"])
        assert answer.status_code == 200
        assert answer.json().keys() == answers[name]["value"].keys()


def test_the_page_lets_a_person_try_a_text(client: httpx.Client):
    page = client.get("/").text
    assert 'data-route="summarize" data-field="text"' in page
    assert re.search(r"<textarea [^>]*>The harbour was closed on Monday", page)


def test_a_summary_nobody_waits_for_any_more_is_left_off_and_the_place_is_free_again(
    request_log: Callable[[], dict[str, Any]],
):
    steps = threading.Semaphore(0)
    backend = FakeSeq2Seq(steps=steps)
    with serving(summarizing(backend)) as served:
        asked = {"json": {"text": [SENTENCE * 6] * 9}, "headers": AUTHORIZED}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{served.url}/summarize", timeout=0.5, **asked)  # pyright: ignore[reportArgumentType]
        assert request_log()["status"] == 499
        assert backend.under_way.acquire(timeout=20)
        steps.release(1)
        assert backend.left_off.acquire(timeout=20)
        backend.waits = False
        answer = httpx.post(f"{served.url}/summarize", json={"text": SHORT}, headers=AUTHORIZED, timeout=20)
        assert answer.json()["summary"] == "A STORM"
    # Of the long list one part was begun, none other.
    assert [text for text, _, _ in backend.seen] == [f"summarize: {SENTENCE * 2}", f"summarize: {SHORT}"]


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"max_tokens": 20}, "max_tokens and prefix leave 8 tokens for a text; at least 16"),
        ({"prefix": "x" * 60}, "leave 3 tokens"),
    ],
)
def test_a_manifest_that_leaves_no_room_for_a_text_is_refused(manifest: dict[str, object], said: str):
    with pytest.raises(BadModel, match=said):
        summarizing(FakeSeq2Seq(), **manifest)


def test_a_tokenizer_of_another_model_is_refused():
    backend = FakeSeq2Seq()
    backend.vocabulary_size = 100
    with pytest.raises(BadModel, match=r"tokenizer\.json has 260 tokens; the model knows 100"):
        summarizing(backend)
