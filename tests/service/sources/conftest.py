import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.service.sources.buckets import BUCKET, Bucket, CloudStorage, Forward, GcsBucket, S3Bucket
from tests.service.sources.front import Front, serving

CLIENT_VARIABLES = ("AWS_", "GOOGLE_", "GCE_")


@pytest.fixture(scope="session")
def moto() -> Iterator[httpx.Client]:
    """Run an S3 server with a versioned bucket."""
    with versioned_s3() as client:
        yield client


@contextmanager
def versioned_s3() -> Generator[httpx.Client]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        client.put(f"/{BUCKET}")
        client.put(f"/{BUCKET}?versioning", content=enabled)
        yield client
    server.stop()


@pytest.fixture
def s3(moto: httpx.Client) -> Iterator[S3Bucket]:
    with serving(Front(Forward(moto))) as front:
        yield S3Bucket(front, moto)


@pytest.fixture
def gs() -> Iterator[GcsBucket]:
    storage = CloudStorage()
    with serving(Front(storage)) as front:
        yield GcsBucket(front, storage)


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Each of the two, found by the client of this process."""
    found: Bucket = request.getfixturevalue(request.param)
    use(found, monkeypatch)
    return found


def use(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Let this process's client see what the bucket needs, and nothing of the developer's own."""
    for name in [name for name in os.environ if name.startswith(CLIENT_VARIABLES)]:
        monkeypatch.delenv(name)
    for name, value in (bucket.environ | changes).items():
        monkeypatch.setenv(name, value)
