"""Clients that hold connections, or dribble into them, cost the others nothing but a little memory."""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench.connections import allowed_connections, holding, is_open
from bench.contender import ask
from bench.workload import post
from tests.service.running_server import HAM, KEY, running_server

pytestmark = pytest.mark.long

HELD = 10_000
REQUEST = post("/predict", {"text": HAM}, KEY)


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not (held := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


def test_10_000_held_connections_keep_nobody_from_being_answered_and_leave_nothing_behind(tmp_path: Path):
    if allowed_connections(HELD) < HELD:
        pytest.skip(f"fewer than {HELD} open files are allowed (ulimit -Hn)")
    with running_server(tmp_path / "log") as server:
        process = psutil.Process(server.process.pid)
        ask(server.port, REQUEST)
        files = process.num_fds()
        with holding(server.port, REQUEST, HELD) as held:
            answers = [ask(server.port, REQUEST) for _ in range(50)]
            assert {status for status, _ in answers} == {200}
            assert {json.loads(body)["label"] for _, body in answers} == {"ham"}
            assert all(is_open(each) for each in held)
            assert process.num_fds() >= HELD
        assert eventually(lambda: process.num_fds() <= files)
        assert ask(server.port, REQUEST)[0] == 200


def test_clients_that_send_a_byte_a_second_are_cut_at_the_timeout_and_delay_nobody(tmp_path: Path):
    with running_server(tmp_path / "log", REQUEST_TIMEOUT_SECONDS="3") as server:
        body_at = REQUEST.index(b"\r\n\r\n") + 4
        senders = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(100)]
        for sender in senders:
            sender.sendall(REQUEST[:body_at])
        for place in range(body_at, len(REQUEST)):
            cut = [_was_answered(sender) for sender in senders]
            for sender, ended in zip(senders, cut, strict=True):
                if not ended:
                    with contextlib.suppress(ConnectionError):  # cut just now
                        sender.sendall(REQUEST[place : place + 1])
            assert ask(server.port, REQUEST)[0] == 200
            if all(cut):
                break
            time.sleep(1)
        answers = {_answer(sender)[:12] for sender in senders}
        assert b"HTTP/1.1 408" in answers
        assert answers <= {b"HTTP/1.1 408", b"reset"}


def _was_answered(sender: socket.socket) -> bool:
    sender.setblocking(False)
    try:
        sender.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def _answer(sender: socket.socket) -> bytes:
    sender.settimeout(60)
    with sender:
        try:
            return sender.recv(4096)
        except ConnectionError:  # its last byte crossed the answer
            return b"reset"
