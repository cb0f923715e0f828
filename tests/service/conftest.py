from collections.abc import Iterator

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The bundled model with every setting at its default."""
    with running_server(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """Holds the key."""
    with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(server: RunningServer) -> Iterator[httpx.Client]:
    """Holds no key."""
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """As the `local` stack runs it: its page needs no key."""
    log = tmp_path_factory.mktemp("local") / "log"
    with running_server(log, LOCAL_PAGE_SESSION="true") as running:
        yield running
