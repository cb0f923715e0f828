"""`python -m bench.connections [MODEL]`: 10,000 open connections, and what they cost active clients.

A third has sent nothing, a third half a head, a third was answered and is kept alive; in addition, 50 clients
send a byte a second. One more client asks in turn, before and while they are all connected. Then they leave,
and the server's memory and open files are measured again.
"""

import contextlib
import json
import os
import resource
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.closed_loop import Load, closed_loop
from bench.slipway import serving
from bench.workload import short_texts
from slipway.service.settings import BUNDLED_MODEL

HELD, QUICK_HELD, SLOW_SENDERS = 10_000, 1_000, 50
# So many local ports are free by default for one address (32768 to 60999), with room for others.
PER_ADDRESS = 20_000
SPARE_FILES = 500
ASK_SECONDS = 3.0
GONE_SECONDS = 30


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    held = allowed_connections(QUICK_HELD if os.environ.get("QUICK") else HELD)
    with serving(folder) as server:
        request = server.posts(short_texts())[0]
        print(json.dumps(connections(server.port, server.process, request, held)))


def allowed_connections(wanted: int) -> int:
    """Return `wanted`, or less if the hard limit of open files requires it, which is reported on stderr.

    Raises the soft limit, which the server that is started afterwards inherits.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - SPARE_FILES)
    if possible < wanted:
        print(f"LEFT OUT: {wanted} connections; {hard} open files are allowed (ulimit -Hn)", file=sys.stderr)
    return possible


def connections(port: int, process: psutil.Process, request: bytes, held: int) -> dict[str, float | None]:
    def pss_mb() -> float:
        return process.memory_full_info().pss / 1e6

    closed_loop(port, [request], 1, ASK_SECONDS / 3)
    quiet = closed_loop(port, [request], 1, ASK_SECONDS)
    before_mb, before_files = pss_mb(), process.num_fds()
    begun = time.perf_counter()
    with holding(port, request, held) as sockets, _slow_senders(port, request):
        opened_seconds = time.perf_counter() - begun
        among = closed_loop(port, [request], 1, ASK_SECONDS)
        among_mb, among_files = pss_mb(), process.num_fds()
        open_still = sum(is_open(each) for each in sockets)
    gone_seconds = _seconds_until(lambda: process.num_fds() <= before_files)
    after = closed_loop(port, [request], 1, ASK_SECONDS)
    return {
        "held": held,
        "open_still": open_still,
        "opened_s": round(opened_seconds, 2),
        **_latencies("quiet", quiet),
        **_latencies("among", among),
        **_latencies("after", after),
        "not_answered": quiet.refused + among.refused + after.refused,
        "before_mb": round(before_mb, 1),
        "among_mb": round(among_mb, 1),
        "after_mb": round(pss_mb(), 1),
        "kb_per_connection": round((among_mb - before_mb) * 1000 / held, 2),
        "before_files": before_files,
        "among_files": among_files,
        "after_files": process.num_fds(),
        "gone_s": None if gone_seconds is None else round(gone_seconds, 2),
    }


@contextmanager
def holding(port: int, request: bytes, count: int) -> Generator[Sequence[socket.socket]]:
    """Open connections from addresses of 127/8, in three states by turns: silent, half a head, answered."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(_connected(port, number)) for number in range(count)]
        answered = held[2::3]
        for unfinished in held[1::3]:
            unfinished.sendall(request[:40])
        for each in answered:
            each.sendall(b"GET /alive HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for each in answered:
            each.recv(4096)
        yield held


def _connected(port: int, number: int) -> socket.socket:
    source = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
    return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=source)


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has not closed the connection, which becomes non-blocking."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@contextmanager
def _slow_senders(port: int, request: bytes) -> Generator[None]:
    stopped = threading.Event()

    def send() -> None:
        with contextlib.ExitStack() as stack:
            senders = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                for _ in range(SLOW_SENDERS)
            ]
            for place in range(len(request)):
                for sender in senders:
                    with contextlib.suppress(OSError):  # the server may have cut it
                        sender.sendall(request[place : place + 1])
                if stopped.wait(1):
                    return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _seconds_until(true: Callable[[], bool]) -> float | None:
    begun = time.perf_counter()
    while time.perf_counter() - begun < GONE_SECONDS:
        if true():
            return time.perf_counter() - begun
        time.sleep(0.02)
    return None


def _latencies(name: str, load: Load) -> dict[str, float]:
    return {
        f"{name}_p50_ms": round(statistics.median(load.latencies_ms), 2),
        f"{name}_p99_ms": round(load.percentile_ms(0.99), 2),
    }


if __name__ == "__main__":
    main()
