"""`/generate` and OpenAI's two routes over HTTP, with a model that writes what the test says."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import orjson
import pytest

from slipway.service.tasks import tokenizing
from tests.service.running_server import AUTHORIZED, KEY
from tests.service.tasks.byte_tokenizer import byte_tokenizer
from tests.service.tasks.fake_writers import CONTEXT, FakeCausal, Served, generating, serving

SAYS = "Slipways are ramps. Ships é, 😀 ☂ slide."
TOKENS = len(SAYS.encode())
PROMPT = "What is a slipway?"
USAGE = {"prompt_tokens": 18, "completion_tokens": TOKENS, "total_tokens": 18 + TOKENS}
CHAT: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": PROMPT}]
CHAT_PROMPT = f"system:Be short.\nuser:{PROMPT}\n"
EVERY_ROUTE = {
    "/generate": {"prompt": PROMPT},
    "/v1/completions": {"prompt": PROMPT, "max_tokens": 100},
    "/v1/chat/completions": {"messages": CHAT},
}


@pytest.fixture(scope="module")
def backend() -> FakeCausal:
    return FakeCausal(SAYS)


@pytest.fixture(scope="module")
def served(backend: FakeCausal) -> Iterator[Served]:
    with serving(generating(backend)) as served:
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, headers=AUTHORIZED, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def official(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def _forget(backend: FakeCausal) -> None:
    backend.seen.clear()


def asked(backend: FakeCausal) -> tuple[str, Any]:
    """Return the prompt that the model saw last, and its options."""
    token_ids, sampling = backend.seen[-1]
    return byte_tokenizer().decode(token_ids, skip_special_tokens=False), sampling


def events(body: str) -> list[Any]:
    """Parse the objects of a stream that ends as it should."""
    parts = body.split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    assert all(part.startswith("data: ") for part in parts[:-1])
    return [orjson.loads(part.removeprefix("data: ")) for part in parts[:-2]]


def test_a_prompt_is_answered_with_what_follows_it(client: httpx.Client, backend: FakeCausal):
    answer = client.post("/generate", json={"prompt": PROMPT}).json()
    assert answer["text"] == SAYS
    assert answer["finish_reason"] == "stop"
    assert answer["usage"] == USAGE
    assert answer["model_version"] == "fake-1.0.0+000000000000"
    assert answer.keys() == {"text", "finish_reason", "usage", "latency_ms", "model_version"}
    assert asked(backend)[0] == PROMPT


def test_a_chat_is_answered_by_way_of_the_models_template(client: httpx.Client, backend: FakeCausal):
    answer = client.post("/generate", json={"messages": CHAT}).json()
    assert answer["text"] == SAYS
    assert asked(backend)[0] == CHAT_PROMPT


def test_the_stream_has_the_same_text_and_then_everything_else(client: httpx.Client):
    answer = client.post("/generate", json={"prompt": PROMPT, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    *pieces, last = events(answer.text)
    assert all(piece.keys() == {"text"} for piece in pieces)
    assert "".join(piece["text"] for piece in pieces) == SAYS
    assert (last["text"], last["finish_reason"], last["usage"]) == ("", "stop", USAGE)


def test_a_letter_of_several_tokens_is_sent_in_one_piece(client: httpx.Client):
    answer = client.post("/generate", json={"prompt": PROMPT, "stream": True})
    pieces = [piece["text"] for piece in events(answer.text)]
    assert {"é", "😀", "☂"} <= set(pieces)
    assert "\ufffd" not in "".join(pieces)


def test_how_to_write_reaches_the_model(client: httpx.Client, backend: FakeCausal):
    body = {"prompt": PROMPT, "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 11}
    answer = client.post("/generate", json=body).json()
    assert answer["text"] == SAYS[:7]
    assert answer["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7
    sampling = asked(backend)[1]
    assert (sampling.max_new_tokens, sampling.temperature, sampling.top_p) == (7, 0.5, 0.9)
    assert sampling.seed == 11


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_a_stop_text_ends_the_answer_and_is_never_sent(client: httpx.Client, route: str, stream: bool):
    body = EVERY_ROUTE[route] | {"stop": ["nothing", ". Ship"], "stream": stream}
    answer = client.post(route, json=body)
    assert ". S" not in answer.text
    assert "Ship" not in answer.text.replace(SAYS, "")
    text, reason = read(events(answer.text) if stream else [answer.json()])
    assert (text, reason) == ("Slipways are ramps", "stop")


def read(parts: list[Any]) -> tuple[str, str]:
    """Return the text and the last finish_reason of any route's answer, whole or in parts."""
    text, reason = "", ""
    for part in parts:
        choice: dict[str, Any] = part["choices"][0] if "choices" in part else part
        message: dict[str, str] = choice.get("delta") or choice.get("message") or {}
        text += choice.get("text") or message.get("content") or ""
        reason = choice.get("finish_reason") or reason
    return text, reason


@pytest.mark.parametrize("stop", ["zzz", ["e.", "zzz"], [], None])
def test_what_only_begins_like_a_stop_text_is_sent_in_the_end(client: httpx.Client, stop: Any):
    answer = client.post("/generate", json={"prompt": PROMPT, "stop": stop}).json()
    expected = SAYS if stop != ["e.", "zzz"] else SAYS.removesuffix("e.")
    assert answer["text"] == expected
    half = client.post("/generate", json={"prompt": PROMPT, "stop": "slide.and more"}).json()
    assert half["text"] == SAYS


def test_openais_client_completes_a_prompt(official: openai.OpenAI, backend: FakeCausal):
    answer = official.completions.create(model="any", prompt=PROMPT, max_tokens=100, temperature=0)
    assert answer.choices[0].text == SAYS
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.model_dump(exclude_none=True) == USAGE
    assert (answer.object, answer.model) == ("text_completion", "fake-1.0.0+000000000000")
    assert asked(backend)[1].temperature == 0


def test_openais_client_gets_sixteen_tokens_where_it_does_not_say(official: openai.OpenAI):
    answer = official.completions.create(model="any", prompt=[PROMPT], user="ada")
    assert answer.choices[0].text == SAYS[:16]
    assert answer.choices[0].finish_reason == "length"


def test_openais_client_streams_a_completion(official: openai.OpenAI):
    parts = list(official.completions.create(model="any", prompt=PROMPT, max_tokens=100, stream=True))
    assert "".join(part.choices[0].text for part in parts) == SAYS
    assert [part.choices[0].finish_reason for part in parts][-2:] == [None, "stop"]
    assert len({part.id for part in parts}) == 1
    assert not any(part.usage for part in parts)


def test_openais_client_chats(official: openai.OpenAI, backend: FakeCausal):
    answer = official.chat.completions.create(model="any", messages=CHAT, max_completion_tokens=9)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == SAYS[:9]
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(CHAT_PROMPT), 9)
    assert asked(backend)[0] == CHAT_PROMPT


def test_openais_client_streams_a_chat_with_its_counts_at_the_end(official: openai.OpenAI):
    stream = official.chat.completions.create(
        model="any", messages=CHAT, stream=True, stream_options={"include_usage": True}
    )
    first, *middle, last, counts = list(stream)
    assert first.object == "chat.completion.chunk"
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert "".join(part.choices[0].delta.content or "" for part in middle) == SAYS
    assert last.choices[0].finish_reason == "stop"
    assert counts.choices == []
    assert counts.usage is not None
    assert counts.usage.completion_tokens == TOKENS
    assert not any(part.usage for part in [first, *middle, last])


def test_openais_streaming_helper_gathers_the_chat(official: openai.OpenAI):
    with official.chat.completions.stream(model="any", messages=CHAT) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == SAYS


def test_openais_asynchronous_client_streams_too(served: Served):
    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
            stream = await client.chat.completions.create(model="any", messages=CHAT, stream=True)
            return "".join([part.choices[0].delta.content or "" async for part in stream])

    assert asyncio.run(ask()) == SAYS


def test_the_parts_of_a_message_and_openais_newer_role_are_taken(client: httpx.Client, backend: FakeCausal):
    parts = [{"type": "text", "text": "What is "}, {"type": "text", "text": "a slipway?"}]
    chat = [{"role": "developer", "content": "Be short."}, {"role": "user", "content": parts, "name": "ada"}]
    assert client.post("/v1/chat/completions", json={"messages": chat}).status_code == 200
    assert asked(backend)[0] == CHAT_PROMPT


@pytest.mark.parametrize(
    ("route", "body", "said"),
    [
        ("/generate", {}, "prompt is required, or messages"),
        ("/generate", {"prompt": PROMPT, "messages": CHAT}, "prompt cannot be given with messages"),
        ("/generate", {"prompt": ""}, "prompt is empty"),
        ("/generate", {"prompt": [PROMPT]}, "prompt is not a text"),
        ("/generate", {"prompt": "x" * 1001}, "prompt has more than 1000 characters"),
        ("/generate", {"prompt": PROMPT, "max_tokens": 0}, "max_tokens is below 1"),
        ("/generate", {"prompt": PROMPT, "max_tokens": 1.5}, "max_tokens is not a whole number"),
        ("/generate", {"prompt": PROMPT, "temperature": 2.1}, "temperature is above 2"),
        ("/generate", {"prompt": PROMPT, "temperature": "hot"}, "temperature is not a number"),
        ("/generate", {"prompt": PROMPT, "top_p": 0}, "top_p is not above 0"),
        ("/generate", {"prompt": PROMPT, "stop": ""}, "stop is empty"),
        ("/generate", {"prompt": PROMPT, "stop": ["a", 5]}, "stop[1] is not a text"),
        ("/generate", {"prompt": PROMPT, "seed": 2**63}, "seed"),
        ("/generate", {"prompt": PROMPT, "n": 2}, "n is not a field of this request"),
        ("/generate", {"messages": []}, "messages is an empty list"),
        ("/generate", {"messages": [{"role": "user"}]}, "messages[0].content is required"),
        ("/v1/completions", {"prompt": [PROMPT, PROMPT]}, "prompt"),
        ("/v1/completions", {"prompt": [5, 6]}, "prompt"),
        ("/v1/completions", {"prompt": PROMPT, "n": 2}, "n is not supported; allowed: 1 or nothing"),
        ("/v1/completions", {"prompt": PROMPT, "echo": True}, "echo is not supported"),
        ("/v1/completions", {"prompt": PROMPT, "logprobs": 1}, "logprobs is not supported"),
        (
            "/v1/chat/completions",
            {"messages": CHAT, "tools": [{"type": "function"}]},
            "tools is not supported",
        ),
        ("/v1/chat/completions", {"messages": CHAT, "frequency_penalty": 1}, "frequency_penalty"),
        ("/v1/chat/completions", {"messages": [{"role": "tool", "content": "5"}]}, "messages[0].role is not"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0].type is not 'text'",
        ),
        (
            "/v1/chat/completions",
            {"messages": [*CHAT, {"role": "assistant", "content": "A ramp."}]},
            "messages do not fit the model's chat template: the last message must be the user's",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "x" * 600}] * 2},
            "messages have 1200 characters; at most 1000",
        ),
        ("/v1/chat/completions", {"messages": CHAT * 11}, "at most 20 are allowed"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_does_not_fit_is_told_why(
    client: httpx.Client, route: str, body: dict[str, Any], said: str, stream: bool
):
    answer = client.post(route, json=body | {"stream": stream})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_what_openais_clients_send_by_habit_is_let_through(client: httpx.Client):
    habits = {"n": 1, "tools": None, "tool_choice": "auto", "frequency_penalty": 0, "logprobs": False}
    kept = {"response_format": {"type": "text"}, "user": "ada", "store": False, "metadata": {"a": "b"}}
    answer = client.post("/v1/chat/completions", json={"messages": CHAT, "model": None} | habits | kept)
    assert answer.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_and_answer_beyond_the_context_are_refused_with_the_limit_and_the_count(
    client: httpx.Client, stream: bool
):
    body = {"prompt": PROMPT, "max_tokens": CONTEXT - 17, "stream": stream}
    answer = client.post("/v1/completions", json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:slipway:problem:text-too-long"
    assert f"the prompt has 18 tokens and max_tokens is {CONTEXT - 17}" in problem["detail"]
    assert f"context is {CONTEXT} tokens" in problem["detail"]
    assert f"lower max_tokens to {CONTEXT - 18}" in problem["detail"]
    assert client.post("/v1/completions", json=body | {"max_tokens": CONTEXT - 18}).status_code == 200


def test_a_prompt_that_fills_the_context_is_refused_and_one_less_gets_one_token(client: httpx.Client):
    full = client.post("/generate", json={"prompt": "x" * CONTEXT})
    assert full.status_code == 422
    assert f"has {CONTEXT} tokens" in full.json()["errors"][0]["detail"]
    answer = client.post("/generate", json={"prompt": "x" * (CONTEXT - 1)}).json()
    assert (answer["text"], answer["finish_reason"]) == (SAYS[0], "length")


@pytest.mark.parametrize(
    ("path", "field", "prompt"),
    [
        ("/generate", "prompt", "ab " * 300),
        ("/v1/completions", "prompt", "ab " * 300),
        ("/v1/chat/completions", "messages", [{"role": "user", "content": "ab " * 30}] * 10),
    ],
)
def test_a_prompt_far_beyond_the_context_is_refused_by_its_beginning(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, field: str, prompt: object
):
    monkeypatch.setattr(tokenizing, "FIRST_BYTES", 100)
    monkeypatch.setattr(tokenizing, "COUNTED_BYTES", 400)
    monkeypatch.setattr(tokenizing, "BYTES_PER_TOKEN", 2)
    monkeypatch.setattr(tokenizing, "SLICE_CHARACTERS", 20)
    problem = client.post(path, json={field: prompt}).json()
    assert problem["type"] == "urn:slipway:problem:text-too-long"
    assert problem["detail"].startswith(
        f"{field}: the prompt has more than {CONTEXT} tokens; the model's context is {CONTEXT} tokens"
    )
    assert problem["errors"] == [{"pointer": f"#/{field}", "detail": f"has more than {CONTEXT} tokens"}]


def test_the_page_lets_a_person_try_a_prompt(client: httpx.Client):
    page = client.get("/").text
    assert 'data-route="generate" data-field="prompt"' in page
    assert re.search(r"<textarea [^>]*>A slipway is</textarea>", page)


def test_every_route_asks_for_the_key(served: Served):
    for route, body in EVERY_ROUTE.items():
        assert httpx.post(f"{served.url}{route}", json=body).status_code == 401


def test_the_document_describes_every_field_and_the_streams(client: httpx.Client):
    document = client.get("/openapi.json").json()
    bare = [
        f"{name}.{field}"
        for name, described in document["components"]["schemas"].items()
        for field, details in described.get("properties", {}).items()
        if not (details.get("description") and details.get("examples"))
    ]
    assert bare == []
    for route in EVERY_ROUTE:
        content = document["paths"][route]["post"]["responses"]["200"]["content"]
        assert content.keys() == {"application/json", "text/event-stream"}
        assert events(content["text/event-stream"]["example"])


def test_the_examples_of_the_document_are_answered_as_it_says(client: httpx.Client):
    document = client.get("/openapi.json").json()
    for route in EVERY_ROUTE:
        operation = document["paths"][route]["post"]
        content = operation["responses"]["200"]["content"]
        (shown,) = content["application/json"]["examples"].values()
        bodies: list[dict[str, Any]] = [
            example["value"]
            for example in operation["requestBody"]["content"]["application/json"]["examples"].values()
        ]
        for body in bodies:
            assert client.post(route, json=body).json().keys() == shown["value"].keys()
        streamed = events(client.post(route, json=bodies[0] | {"stream": True}).text)
        documented = events(content["text/event-stream"]["example"])
        assert [part.keys() for part in (streamed[0], streamed[-1])] == [
            part.keys() for part in (documented[0], documented[-1])
        ]
