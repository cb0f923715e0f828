"""Answers that are sent as they are made: by a model that waits for the test before each token."""

import socket
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import httpx
import openai
import orjson
import pytest

from slipway.service.connections import ConnectionLimits, Connections
from slipway.service.protocol import protocol_for
from tests.service.running_server import AUTHORIZED, KEY
from tests.service.tasks import fake_writers
from tests.service.tasks.fake_writers import FakeCausal, generating, serving

SAYS = "abcdef"
STREAM = {"prompt": "What?", "stream": True}


def waiting(says: str = SAYS, ready: int = 0, fails_at: int = -1) -> FakeCausal:
    """ready: tokens that it may write at once."""
    return FakeCausal(says, steps=threading.Semaphore(ready), fails_at=fails_at)


def go_on(backend: FakeCausal, steps: int = 1000) -> None:
    assert backend.steps is not None
    backend.steps.release(steps)


def asking(url: str, body: dict[str, Any] = STREAM) -> Any:
    return httpx.stream("POST", f"{url}/generate", json=body, headers=AUTHORIZED, timeout=20)


def parts_of(answer: httpx.Response) -> Iterator[str]:
    """Yield the data of each event as it arrives."""
    return (line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: "))


def streamed(url: str) -> int:
    return httpx.post(f"{url}/generate", json=STREAM, headers=AUTHORIZED, timeout=20).status_code


def answered(url: str) -> str:
    body = {"prompt": "What?"}
    return httpx.post(f"{url}/generate", json=body, headers=AUTHORIZED, timeout=20).json()["text"]


def test_each_token_arrives_before_the_next_one_is_written(request_log: Callable[[], dict[str, Any]]):
    backend = waiting(ready=1)
    with serving(generating(backend)) as served, asking(served.url) as answer:
        parts = parts_of(answer)
        for letter in SAYS:
            assert orjson.loads(next(parts)) == {"text": letter}
            go_on(backend, 1)
        assert orjson.loads(next(parts))["finish_reason"] == "stop"
        assert list(parts) == ["[DONE]"]
        line = request_log()
    assert (line["status"], line["route"]) == (200, "/generate")
    assert "cut" not in line


def test_what_fails_after_the_first_token_is_told_in_the_stream_which_then_ends(
    caplog: pytest.LogCaptureFixture, request_log: Callable[[], dict[str, Any]]
):
    backend = waiting(ready=1, fails_at=2)
    with serving(generating(backend)) as served, asking(served.url) as answer:
        lines = answer.iter_lines()
        assert answer.status_code == 200
        assert next(lines) == 'data: {"text":"a"}'
        go_on(backend)
        rest = [line for line in lines if line]
        assert rest[:2] == ['data: {"text":"b"}', "event: error"]
        error = orjson.loads(rest[2].removeprefix("data: "))["error"]
        assert (error["type"], error["code"]) == ("internal", 500)
        assert "secret" not in error["message"]
        assert not rest[3:]
        assert request_log()["cut"] == "internal"
        logged = [record for record in caplog.records if record.exc_info]
        assert [str(record.exc_info and record.exc_info[1]) for record in logged] == [
            "a secret of the inside"
        ]
        assert logged[0].__dict__["fields"]["request_id"] == answer.headers["x-request-id"]
        backend.fails_at = -1
        assert answered(served.url) == SAYS


def test_what_fails_before_the_first_token_is_an_answer_like_any_other():
    with serving(generating(waiting(ready=1000, fails_at=0))) as served, asking(served.url) as answer:
        answer.read()
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"


def test_openais_client_raises_what_breaks_its_stream():
    backend = waiting(ready=1, fails_at=3)
    with (
        serving(generating(backend)) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as official,
    ):
        stream = official.completions.create(model="any", prompt="What?", max_tokens=50, stream=True)
        got = list[str]()

        def read() -> None:
            for part in stream:
                got.append(part.choices[0].text)
                go_on(backend, 1)

        with pytest.raises(openai.APIError, match="The server failed"):
            read()
        assert got == ["a", "b", "c"]


def test_a_client_that_leaves_its_stream_ends_the_generation_and_frees_its_place(
    request_log: Callable[[], dict[str, Any]],
):
    backend = waiting("x" * 100, ready=1)
    with serving(generating(backend)) as served:
        with asking(served.url) as answer:
            assert orjson.loads(next(parts_of(answer))) == {"text": "x"}
        assert request_log()["cut"] == "client-left"
        go_on(backend, 1)
        assert backend.left_off.acquire(timeout=20)
        go_on(backend)
        assert answered(served.url) == "x" * 100


def test_a_client_that_leaves_before_its_whole_answer_ends_the_generation_too(
    request_log: Callable[[], dict[str, Any]],
):
    backend = waiting("x" * 100)
    with serving(generating(backend)) as served:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{served.url}/generate", json={"prompt": "What?"}, headers=AUTHORIZED, timeout=1)
        assert request_log()["status"] == 499
        assert backend.under_way.acquire(timeout=20)
        go_on(backend, 1)
        assert backend.left_off.acquire(timeout=20)
        go_on(backend)
        assert answered(served.url) == "x" * 100


def test_a_stream_past_its_deadline_ends_with_the_reason_and_so_does_the_generation():
    backend = waiting("x" * 100, ready=1)
    with serving(generating(backend), request_timeout_seconds=3) as served:
        with asking(served.url) as answer:
            first, *_, error = parts_of(answer)
        assert orjson.loads(first) == {"text": "x"}
        assert orjson.loads(error)["error"]["type"] == "deadline-exceeded"
        go_on(backend, 1)
        assert backend.left_off.acquire(timeout=20)


def test_a_stream_whose_deadline_passes_before_its_first_token_is_a_504():
    backend = waiting()
    with serving(generating(backend), request_timeout_seconds=0.05) as served:
        with asking(served.url) as answer:
            answer.read()
        go_on(backend)
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_shutdown_waits_for_a_stream_that_is_under_way():
    backend = waiting(ready=1)
    with serving(generating(backend)) as served, asking(served.url) as answer:
        parts = parts_of(answer)
        assert orjson.loads(next(parts)) == {"text": "a"}
        served.shut_down(within_seconds=60)
        while True:  # until nobody new is let in
            try:
                socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), 1).close()
            except OSError:
                break
        go_on(backend)
        *rest, _, done = parts
        assert "".join(orjson.loads(part)["text"] for part in rest) == "bcdef"
        assert done == "[DONE]"


def test_a_stream_that_a_shutdown_cannot_wait_for_ends_with_the_reason():
    backend = waiting("x" * 100, ready=1)
    with serving(generating(backend)) as served, asking(served.url) as answer:
        parts = parts_of(answer)
        assert orjson.loads(next(parts)) == {"text": "x"}
        served.shut_down(within_seconds=1)
        assert orjson.loads(next(parts))["error"]["type"] == "shutting-down"
        assert list(parts) == []
        go_on(backend, 1)
        assert backend.left_off.acquire(timeout=20)


def test_no_more_generations_run_at_once_than_there_are_threads():
    backend = waiting()
    with serving(generating(backend), threads=2) as served:
        texts: list[str] = []
        askers = [threading.Thread(target=lambda: texts.append(answered(served.url))) for _ in range(6)]
        for asker in askers:
            asker.start()
        for _ in range(2):
            assert backend.under_way.acquire(timeout=20)
        assert backend.most_at_once == 2
        go_on(backend)
        for asker in askers:
            asker.join(timeout=20)
    assert texts == [SAYS] * 6
    assert backend.most_at_once == 2


def test_a_full_queue_refuses_a_stream_with_429():
    backend = waiting()
    with serving(generating(backend), max_queue_calls=1) as served:
        first = threading.Thread(target=answered, args=(served.url,))
        first.start()
        assert backend.under_way.acquire(timeout=20)
        # Now one takes the only place in the queue; whichever it is, another is refused.
        statuses = Queue[int]()
        others = [threading.Thread(target=lambda: statuses.put(streamed(served.url))) for _ in range(2)]
        for other in others:
            other.start()
        assert statuses.get(timeout=20) == 429
        go_on(backend)
        assert statuses.get(timeout=20) == 200
        for thread in (first, *others):
            thread.join(timeout=20)


def test_a_client_that_reads_nothing_holds_no_thread_and_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, request_log: Callable[[], dict[str, Any]]
):
    short = ConnectionLimits(most=100, held_bytes=1 << 30, head_seconds=30, write_seconds=0.5)
    monkeypatch.setattr(fake_writers, "protocol", lambda: protocol_for(Connections(short)))
    backend = FakeCausal("x" * 60_000)
    backend.context_tokens = 100_000
    body = orjson.dumps({"prompt": "What?", "max_tokens": 60_000, "stream": True})
    head = (
        f"POST /v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with (
        serving(generating(backend, max_tokens=100_000)) as served,
        socket.socket() as idle,
    ):
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect(("127.0.0.1", int(served.url.rpartition(":")[2])))
        idle.sendall(head.encode() + body)
        line = request_log()
        assert (line["status"], line["cut"]) == (200, "client-left")
        backend.tokens = backend.tokens[:3]
        assert answered(served.url) == "xxx"
