import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.contender import MARK, Contender, NotReady, ask, free_ports, running
from bench.workload import post

# Serves, and starts a daemon that leaves its session, as some servers do.
SERVER = """
import http.server, os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200 if self.path == "/right" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def numbers(answer: Any) -> list[float]:
    return []


def contender(code: str) -> Contender:
    return Contender(
        name="a server",
        variant="default",
        setup="",
        version="1",
        folder=Path(__file__).parent,
        command=[sys.executable, "-c", code],
        env={"PORT": "{port}"},
        request=lambda text: post("/right", {"text": text}, "none"),
        numbers=numbers,
    )


def test_a_server_is_weighed_and_ended_with_every_process_it_started():
    with running(contender(SERVER), post("/right", {}, "none")) as started:
        mine = started.processes()
        assert len(mine) == 2
        assert len({process.environ()[MARK] for process in mine}) == 1
        assert started.pss_mb() > 0
        assert started.cpu_seconds() > 0
        assert ask(started.port, post("/wrong", {}, "none"))[0] == 404
    _, alive = psutil.wait_procs(mine, timeout=20)
    assert alive == []


def test_a_paused_server_answers_again_once_it_goes_on():
    with running(contender(SERVER), post("/right", {}, "none")) as started:
        started.pause()
        with pytest.raises(TimeoutError):
            ask(started.port, post("/right", {}, "none"), timeout=0.2)
        started.resume()
        assert ask(started.port, post("/right", {}, "none"))[0] == 200


def test_a_server_that_ends_before_it_is_ready_is_told_with_its_log():
    with (
        pytest.raises(NotReady, match=r"a server \(default\): ended with exit code 3(.|\n)*no such model"),
        running(contender("import sys; print('no such model', flush=True); sys.exit(3)"), b""),
    ):
        pass


def test_ports_handed_out_together_differ():
    assert len(set(free_ports(3))) == 3
