"""The image with the client that reads a model from a bucket, and the one without."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from slipway.service.settings import BUNDLED_MODEL
from tests.container.conftest import Builder
from tests.container.engine import Image, container
from tests.service.running_server import AUTHORIZED, SPAM
from tests.service.sources.buckets import S3Bucket
from tests.service.sources.conftest import moto, s3

pytestmark = pytest.mark.container
__all__ = ["moto", "s3"]  # fixtures


def test_an_image_built_with_buckets_serves_a_model_from_one(
    builder: Builder, tags: list[str], s3: S3Bucket, free_port: int, tmp_path: Path
) -> None:
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    image = builder.build(tags[-1], "--build-arg=BUCKETS=1")
    environ = s3.environ | {
        "MODEL_SOURCE": s3.put_folder(BUNDLED_MODEL),
        "MODEL_CACHE_DIR": "/cache",
        "HOST": "127.0.0.1",
        "PORT": str(free_port),
    }
    options = [f"--env={name}={value}" for name, value in environ.items()]
    # The bucket listens on this machine's loopback address.
    options.append("--tmpfs=/cache:uid=10001")
    with container(image, tmp_path / "log", *options, ready=False, network="host") as running:
        running.wait_until_listening()
        running.url = f"http://127.0.0.1:{free_port}"
        running.wait_until_ready()
        answer = httpx.post(f"{running.url}/predict", json={"text": SPAM}, headers=AUTHORIZED).json()
    assert answer["label"] == "spam"
    assert answer["model_version"].startswith("fetched-1.0.0+")


def test_the_plain_image_says_what_it_lacks_for_a_bucket(image: Image, tmp_path: Path) -> None:
    source = "--env=MODEL_SOURCE=s3://models/spam@v1"
    with container(image, tmp_path / "log", source, ready=False) as running:
        assert running.process.wait(timeout=30) == 2
    assert "--build-arg BUCKETS=1" in (tmp_path / "log").read_text()
