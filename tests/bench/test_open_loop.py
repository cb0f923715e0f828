import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import pytest

from bench.open_loop import open_loop, poisson_arrivals

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextmanager
def answering(*answers: bytes) -> Generator[tuple[int, list[threading.Event]]]:
    """Run a server that gives connection i answer i, once its event is set; b"" hangs up."""
    go = [threading.Event() for _ in answers]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer, allowed in zip(answers, go, strict=True):
                threading.Thread(target=one, args=(server.accept()[0], answer, allowed)).start()

        def one(connection: socket.socket, answer: bytes, allowed: threading.Event) -> None:
            with connection:
                connection.recv(100)
                assert allowed.wait(20)
                connection.sendall(answer)
                if answer and b"close" not in answer:
                    connection.recv(100)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], go
        for allowed in go:
            allowed.set()
        thread.join(20)


def test_a_request_is_sent_when_it_is_due_though_the_one_before_was_not_answered():
    with answering(OK, REFUSED) as (port, go):
        go[1].set()
        outcome = open_loop(port, [b"ask"], np.array([0.0, 0.01]), when_all_were_due=go[0].set)
    assert outcome.count(200) == 1
    assert outcome.count(429) == 1
    assert outcome.unanswered == 0
    assert outcome.connections == 2
    assert outcome.in_time.get(200, 0) == 0
    assert outcome.percentile_ms(200, 0.5) >= 10


def test_a_connection_that_is_cut_leaves_its_request_unanswered():
    with answering(b"") as (port, go):
        go[0].set()
        outcome = open_loop(port, [b"ask"], np.array([0.0]))
    assert outcome.unanswered == 1
    assert np.isnan(outcome.percentile_ms(200, 0.99))


def test_arrivals_are_poisson_at_the_rate_asked_for():
    due = poisson_arrivals(2000, 10)
    gaps = np.diff(due)
    assert len(due) == pytest.approx(20_000, rel=0.05)
    assert due[-1] < 10
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)
    assert (poisson_arrivals(2000, 10) == due).all()
