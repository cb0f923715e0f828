"""The image with JOBS=1: a server takes jobs, and a worker in a container of its own computes them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.conftest import a_free_port
from tests.container.engine import Container, Image, built, container
from tests.service.jobs.databases import KINDS, running
from tests.service.running_server import AUTHORIZED, HAM, SPAM

pytestmark = pytest.mark.container

MOST_ADDED_BYTES = 60_000_000
EVERYONE_MAY_WRITE = 0o777


@pytest.fixture(scope="module")
def jobs_image(image: Image, checkout: Path, python_image: str, ca: Path | None, tags: list[str]) -> Image:
    """After `image`, so that its packages come from the cache."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, "--build-arg=JOBS=1", ca=ca)


@pytest.fixture(params=KINDS)
def database_options(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[list[str]]:
    """Yield what gives a container the database: of SQLite, a folder of this machine as a volume."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(EVERYONE_MAY_WRITE)  # the image's user is not this one
    with running(request.param, shared) as database:
        address = "sqlite:////jobs/jobs.sqlite" if request.param == "sqlite" else database.address
        yield [f"--volume={shared}:/jobs", f"--env=JOBS_DATABASE={address}"]


@contextmanager
def role(image: Image, name: str, log: Path, *options: str) -> Generator[Container]:
    """Run the image on this machine's network, where PostgreSQL listens on the loopback address."""
    port = a_free_port()
    listening = ("--env=HOST=127.0.0.1", f"--env=PORT={port}", "--env=METRICS_PORT=0", f"--env=ROLE={name}")
    with container(image, log, *listening, *options, ready=False, network="host") as started:
        started.wait_until_listening()
        started.wait_until_ready()
        yield started


def test_a_job_goes_from_a_server_to_a_worker_in_another_container(
    jobs_image: Image, database_options: list[str], tmp_path: Path
) -> None:
    with (
        role(jobs_image, "server", tmp_path / "server", *database_options) as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        accepted = client.post("/jobs", json={"requests": [{"text": SPAM}, {"text": HAM}]})
        assert accepted.status_code == 202, accepted.text
        address = f"/jobs/{accepted.json()['id']}"
        assert client.get(address).json()["state"] == "waiting"
        with role(jobs_image, "worker", tmp_path / "worker", *database_options) as worker:
            job = client.get(f"{address}?wait=30").json()
            assert (job["state"], [each["label"] for each in job["result"]]) == ("succeeded", ["spam", "ham"])
            assert worker.python("import os; print(os.getuid())") == "10001"
            assert worker.stop() == 0
        assert client.get(address).json()["result"] == job["result"]
        assert server.stop() == 0


def test_the_plain_image_says_what_it_lacks_for_jobs(image: Image, tmp_path: Path) -> None:
    database = ("--env=JOBS_DATABASE=sqlite:////jobs/jobs.sqlite", "--tmpfs=/jobs:uid=10001")
    with container(image, tmp_path / "log", *database, ready=False) as running:
        assert running.process.wait(timeout=30) == 2
    assert "--build-arg JOBS=1" in (tmp_path / "log").read_text()


def test_what_jobs_add_to_the_image_is_as_little_as_the_guide_says(jobs_image: Image, image: Image) -> None:
    sizes = [sum(layer.file_bytes for layer in each.layers) for each in (jobs_image, image)]
    assert sizes[0] - sizes[1] <= MOST_ADDED_BYTES
