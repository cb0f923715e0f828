"""A server that takes jobs, on SQLite, and a worker that computes them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server

OTHER_KEY = "another-key-of-24-letters"
OTHER = {"Authorization": f"Bearer {OTHER_KEY}"}
HOST = "hooks.example.com"


@pytest.fixture(scope="package")
def jobs_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "in").mkdir()
    (folder / "results").mkdir()
    return {
        "JOBS_DATABASE": f"sqlite:///{folder}/jobs.sqlite",
        "JOBS_FILE_PREFIXES": f"file:{folder}/in/",
        "JOBS_WEBHOOK_HOSTS": HOST,
        "JOBS_WEBHOOK_SECRET": "a-secret-of-more-than-24-letters",
        "MODEL_API_KEYS": f"other={OTHER_KEY}",
        "JOBS_PER_CALLER": "20",
    }


@pytest.fixture(scope="package")
def jobs_server(
    tmp_path_factory: pytest.TempPathFactory, jobs_settings: dict[str, str]
) -> Iterator[RunningServer]:
    """Run a server that takes jobs; without `jobs_worker` they wait."""
    with running_server(tmp_path_factory.mktemp("server") / "log", **jobs_settings) as running:
        yield running


@pytest.fixture(scope="package")
def caller(jobs_server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=jobs_server.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


@pytest.fixture(scope="package")
def other_caller(jobs_server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=jobs_server.url, headers=OTHER, timeout=60) as client:
        yield client


@pytest.fixture(scope="package")
def jobs_folder(jobs_settings: dict[str, str]) -> Path:
    """Return the folder whose files a job may name."""
    return Path(jobs_settings["JOBS_FILE_PREFIXES"].removeprefix("file:"))
