"""Measures from `docker run` to the first answer: per engine, with and without bytecode, model local or not.

The model of `torch-cpu` is mounted, and has random weights in the bundled one's shape.
"""

import json
import os
import socket
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.service.manifest import TEXT_FILES
from slipway.service.settings import BUNDLED_MODEL
from tests.container.engine import docker
from tests.service.backends.model_folders import model_folder
from tests.service.sources.buckets import Forward, S3Bucket
from tests.service.sources.conftest import versioned_s3
from tests.service.sources.front import Front, serving

KEY = "a-key-for-the-bench-only"
REQUEST_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
BODY = json.dumps({"text": "WINNER!! You have won a 1000 cash prize. Call 09061701461 now."}).encode()
STARTS = 5
ANSWERS_WITHIN_SECONDS = 300
LOOK_AFTER_SECONDS = 20  # whether it still runs: seldom, as the question takes time of its own
NO_BYTECODE = "FROM {}\nUSER 0\nRUN find / -xdev -name '*.pyc' -delete\nUSER 10001:10001\n"


@dataclass(frozen=True, slots=True)
class Start:
    """A container to start: image, options of `docker run`, and the command if not the image's own."""

    tag: str
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """PORT in it stands for the port."""
    derived: bool = False
    """Files of another image were deleted in it, which makes no image smaller."""


def build_without_bytecode(tag: str, bare: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "Dockerfile").write_text(NO_BYTECODE.format(tag))
    docker("build", "--quiet", f"--tag={bare}", str(folder))


def torch_model(tag: str, naive: Path, scratch: Path) -> Path:
    """Make a model folder from the naive image's model, shaped like the bundled one, with its torch."""
    made = scratch / "made"
    made.mkdir()
    (made / "tokenizer.json").write_bytes((BUNDLED_MODEL / "tokenizer.json").read_bytes())
    docker(
        "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}", "--tmpfs=/tmp",
        f"--volume={naive / 'model.py'}:/model.py:ro", f"--volume={made}:/made", "--workdir=/made",
        "--entrypoint=python", tag, "/model.py",
    )  # fmt: skip
    return model_folder(scratch / "torch-model", made / "model", "torch")


@contextmanager
def bucket() -> Generator[S3Bucket]:
    """Run an S3 service on the loopback address."""
    with versioned_s3() as moto, serving(Front(Forward(moto))) as front:
        yield S3Bucket(front, moto)


def mounted(folder: Path) -> tuple[str, ...]:
    return (f"--volume={folder}:/model:ro", "--env=MODEL_DIR=/model")


def fetched(s3: S3Bucket, folder: Path) -> tuple[str, ...]:
    """Return options that fetch the model in `folder` at each start, into an empty cache in memory."""
    manifest = json.loads((folder / "manifest.json").read_text())
    names = TEXT_FILES[manifest.get("engine", "onnx")]
    kept = {key: manifest[key] for key in ("engine", "labels", "max_tokens") if key in manifest}
    source = s3.put_model({name: (folder / name).read_bytes() for name in names}, **kept)
    environ = s3.environ | {"MODEL_SOURCE": source, "MODEL_CACHE_DIR": "/cache"}
    return ("--tmpfs=/cache:uid=10001", *(f"--env={name}={value}" for name, value in environ.items()))


def seconds_to_first_answer(starts: dict[str, Start]) -> dict[str, float]:
    """Return the median of each start.

    They take turns, so that a busy machine slows all; a first round fills the page cache.
    """
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    for turn in range(STARTS + 1):
        print(f"starting, round {turn} of {STARTS}", flush=True)
        for name, start in starts.items():
            begun = time.perf_counter()
            with answering(start):
                if turn > 0:
                    seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in seconds.items()}


@contextmanager
def answering(start: Start) -> Generator[tuple[str, str]]:
    """Run a container until it has given its first answer; yield its name and the URL of its predictions."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/predict"
    command = [word.replace("PORT", str(port)) for word in start.command]
    # All in the host's network, where a bucket on the loopback address can be reached.
    settings = (f"--env=MODEL_API_KEY={KEY}", "--env=HOST=127.0.0.1", f"--env=PORT={port}")
    name = docker("run", "--detach", "--network=host", *settings, *start.options, start.tag, *command)
    try:
        end = time.monotonic() + ANSWERS_WITHIN_SECONDS
        look = time.monotonic() + LOOK_AFTER_SECONDS
        while not answers(url):
            if time.monotonic() > look:
                look += LOOK_AFTER_SECONDS
                if time.monotonic() > end or not _is_running(name):
                    raise SystemExit(f"{start} gave no answer:\n{docker('logs', name)[-2000:]}")
            time.sleep(0.005)
        yield name, url
    finally:
        docker("rm", "--force", name)


def _is_running(name: str) -> bool:
    return docker("inspect", "--format={{.State.Running}}", name) == "true"


def answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, BODY, REQUEST_HEADERS)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def size_mb(tag: str) -> float:
    return int(docker("image", "inspect", "--format={{.Size}}", tag)) / 1e6


def table(starts: dict[str, Start], seconds: dict[str, float]) -> str:
    """Return one line for each start; the ratios are to the first."""
    sizes = {name: size_mb(start.tag) for name, start in starts.items()}
    first = next(iter(starts))
    lines = [f"{'':36}{'size, MB':>10}{'ratio':>8}{'first answer, s':>18}{'ratio':>8}"]
    lines += [
        (
            f"{name:36}{'':>18}"
            if start.derived
            else f"{name:36}{sizes[name]:>10.0f}{sizes[name] / sizes[first]:>8.1f}"
        )
        + f"{seconds[name]:>18.2f}{seconds[name] / seconds[first]:>8.1f}"
        for name, start in starts.items()
    ]
    return "\n".join(lines)
