"""No bytes that a client can send break the server."""

import subprocess
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.fuzz.connection import Server
from tests.fuzz.verdict import BODY, CONNECTION, JOB, JOB_BODIES, REQUESTS, Watch, check, parts_of

with_atheris = pytest.mark.skipif(not find_spec("atheris"), reason="atheris has no wheel for this system")


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    server = Server()
    yield server
    server.stop()


def test_the_way_that_is_fuzzed_goes_as_far_as_the_model(server: Server) -> None:
    assert b'"label":"ham"' in server.answers(parts_of(BODY + b'{"text": "see you at lunch"}'))
    assert b"202 Accepted" in server.answers(parts_of(JOB + JOB_BODIES[0]))
    pieces = parts_of(CONNECTION + bytes([40]) + REQUESTS[3])
    assert len(pieces) == 2
    assert b'"label":' in server.answers(pieces)


@pytest.mark.parametrize(
    "answers",
    [b"HTTP/1.1 500 Internal Server Error\r\n\r\n", b"HTTP/1.1 418 I'm a teapot\r\n\r\n", b"nonsense"],
)
def test_an_answer_that_no_request_may_get_is_found(answers: bytes) -> None:
    class Broken(Server):
        def __init__(self) -> None: ...

        def answers(self, parts: list[bytes]) -> bytes:
            return answers

    with pytest.raises(AssertionError):
        check(Broken(), Watch(), CONNECTION + b"GET")


def fuzz(tmp_path: Path, *options: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz", tmp_path / "corpus", "-seed=1", "-max_len=5000", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    assert "DONE" in done.stderr


@with_atheris
def test_no_request_breaks_the_server(tmp_path: Path) -> None:
    fuzz(tmp_path, f"-artifact_prefix={tmp_path}/", "-runs=5000")


@pytest.mark.long
@with_atheris
def test_no_request_breaks_the_server_at_length(tmp_path: Path) -> None:
    fuzz(tmp_path, f"-artifact_prefix={tmp_path}/", "-max_total_time=120", "-len_control=10")
