"""What is open while the traffic moves: answers, bodies and connections, and a version that stands still."""

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import launch, process
from slipway.components.local.record import release_folder
from slipway.components.local.rollout import under_way
from tests.components.local.rolling import (
    BEFORE_BACKEND,
    Update,
    ask,
    canary,
    code_with,
    is_shared,
    started,
    until,
    updated,
)

LONG_TEXT = "word " * 100
ANSWER_SECONDS = 4


def opened(outputs: dict[str, Any]) -> socket.socket:
    host, port = outputs["url"].removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def request_of(outputs: dict[str, Any], text: str = "free prize") -> bytes:
    body = json.dumps({"text": text}).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {outputs['api_key']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answered(connection: socket.socket) -> bool:
    """Return whether one whole answer with 200 comes before the connection ends."""
    text = b""
    while b"}" not in text.partition(b"\r\n\r\n")[2]:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return False
        if not part:
            return False
        text += part
    return text.startswith(b"HTTP/1.1 200")


CHANGES = pytest.mark.parametrize("change", [{"memory_gib": 0.9}, canary(0.03)], ids=["rolling", "canary"])


@CHANGES
def test_an_answer_that_takes_longer_than_a_drain_ends_whole(
    props: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    condition = " " * 8 + "if input_ids.shape[1] > 40:\n"
    long_work = condition + " " * 12 + f"__import__('time').sleep({ANSWER_SECONDS})\n"
    with monkeypatch.context() as changed:
        changed.setattr(launch, "DRAIN_SECONDS", 1)
        code = code_with(tmp_path, "backends/onnx.py", BEFORE_BACKEND, long_work + BEFORE_BACKEND, changed)
        outputs = started({**props, **code})
    with opened(outputs) as connection:
        connection.sendall(request_of(outputs, LONG_TEXT))
        time.sleep(0.2)
        updated(outputs, props, **change)
        assert ask(outputs) == 200
        assert answered(connection)


@CHANGES
def test_connections_that_were_open_before_the_switch_get_their_answers_after_it(
    props: dict[str, Any], folder: Path, change: dict[str, Any]
) -> None:
    outputs = started(props)
    whole = request_of(outputs)
    with opened(outputs) as idle, opened(outputs) as half_sent, opened(outputs) as unused:
        idle.sendall(whole)
        assert answered(idle)
        half_sent.sendall(whole[:-5])
        updated(outputs, props, **change)
        half_sent.sendall(whole[-5:])
        idle.sendall(whole)
        unused.sendall(whole)
        assert [answered(each) for each in (half_sent, idle, unused)] == [True] * 3
    until(lambda: process.alive(release_folder(folder, 1)) is None)


@pytest.mark.long
def test_a_canary_that_hangs_goes_back_and_its_clients_are_let_go(
    props: dict[str, Any], folder: Path
) -> None:
    outputs = started(props)
    update = Update(outputs, props, **canary(canary_percent=100))
    update.start()
    until(lambda: is_shared(folder))
    rollout = under_way(folder)
    assert rollout
    hung = process.alive(release_folder(folder, rollout.new))
    assert hung
    os.kill(hung.server.pid, signal.SIGSTOP)
    with opened(outputs) as connection:
        connection.sendall(request_of(outputs))
        update.join(60)
        assert "its metrics page does not answer" in str(update.error)
        assert not answered(connection)
    assert ask(outputs) == 200
