"""A client that closes its connection is noticed at once, whatever it has sent before."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.service.connections.wire import ALIVE, connected
from tests.service.running_server import KEY
from tests.service.tasks.fake_writers import FakeCausal, Served, serving_held_back

BODY = b'{"prompt": "What?", "max_tokens": 50}'


@pytest.fixture
def backend() -> FakeCausal:
    """Create a backend that writes nothing until it may."""
    return FakeCausal("x" * 100, steps=threading.Semaphore(0))


@pytest.fixture
def served(backend: FakeCausal) -> Iterator[Served]:
    with serving_held_back(backend) as served:
        yield served


def generate(body: bytes) -> bytes:
    head = f"POST /generate HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n".encode()
    head += b"content-type: application/json\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("size", [0, 60_000, 70_000, 130_000, 300_000, 1_500_000])
def test_a_client_that_leaves_after_a_body_of_any_size_ends_its_work(
    served: Served, backend: FakeCausal, request_log: Callable[[], dict[str, Any]], size: int
):
    with connected(served.port) as connection:
        connection.sendall(generate(BODY + b" " * size))
        assert backend.under_way.acquire(timeout=20)
    assert request_log()["status"] == 499


@pytest.mark.parametrize("sent_with_it", [True, False])
@pytest.mark.parametrize("after", [ALIVE, ALIVE * 100, generate(BODY), generate(BODY)[:100], b"nonsense\r\n"])
def test_a_client_that_leaves_while_more_of_its_requests_wait_ends_the_work_of_the_first(
    served: Served,
    backend: FakeCausal,
    request_log: Callable[[], dict[str, Any]],
    after: bytes,
    sent_with_it: bool,
):
    with connected(served.port) as connection:
        connection.sendall(generate(BODY) + after if sent_with_it else generate(BODY))
        assert backend.under_way.acquire(timeout=20)
        if not sent_with_it:
            connection.sendall(after)
    line = request_log()
    assert (line["route"], line["status"]) == ("/generate", 499)


def test_a_shutdown_does_not_wait_for_a_client_that_has_left(
    served: Served, backend: FakeCausal, request_log: Callable[[], dict[str, Any]]
):
    with connected(served.port) as connection:
        connection.sendall(generate(BODY + b" " * 300_000))
        assert backend.under_way.acquire(timeout=20)
        served.shut_down(within_seconds=60)
    assert request_log()["status"] == 499
    assert served.ended.wait(timeout=20)
