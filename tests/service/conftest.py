import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Run the bundled model with every setting at its default."""
    with running_server(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """Yield a client that sends the key."""
    with httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(server: RunningServer) -> Iterator[httpx.Client]:
    """Yield a client that sends no key."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """As the `local` stack runs it: its page needs no key."""
    log = tmp_path_factory.mktemp("local") / "log"
    with running_server(log, LOCAL_PAGE_SESSION="true") as running:
        yield running


@pytest.fixture
def request_log(caplog: pytest.LogCaptureFixture) -> Callable[[], dict[str, Any]]:
    """Of a server in this very process: waits for its next request line and gives that one's fields."""
    caplog.set_level(logging.INFO, logger="service")
    seen, began = 0, time.time()

    def lines() -> list[logging.LogRecord]:
        """Return those of requests that ended since; a line is made a moment after its answer."""
        return [each for each in caplog.records if each.message == "request" and each.created >= began]

    def last() -> dict[str, Any]:
        nonlocal seen
        end = time.monotonic() + 20
        while len(lines()) <= seen:
            assert time.monotonic() < end, "no request line came"
            time.sleep(0.005)
        seen += 1
        return lines()[seen - 1].__dict__["fields"]

    return last
