"""`python -m tests.bench.image`: our image beside what the tutorials build (naive/), both made in one run.

Needs a Docker engine on this machine; SLIPWAY_TEST_PYTHON_IMAGE names another base for both. MB are 10^6
bytes; compressed is `docker save` through gzip level 6, much as a registry holds it. The naive image
downloads 2.9 GB the first time. Starts take turns, so that a busy machine slows both.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psutil

from service.settings import BUNDLED_MODEL
from tests.checkout import copy_of_the_checkout
from tests.container.engine import default_python_image, docker, trusted_certificates

NAIVE = Path(__file__).parent / "naive"
KEY = "a-key-for-the-bench-only"
REQUEST_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
BODY = json.dumps({"text": "WINNER!! You have won a 1000 cash prize. Call 09061701461 now."}).encode()
STARTS, REBUILDS, REQUESTS = 5, 3, 100
NO_BYTECODE = "FROM {}\nUSER 0\nRUN find / -xdev -name '*.pyc' -delete\nUSER 10001:10001\n"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image to measure: the folder it is built in, the options, and a file of its code."""

    tag: str
    folder: Path
    code: Path
    options: tuple[str, ...]

    def build(self) -> float:
        """Seconds it took."""
        started = time.perf_counter()
        docker("build", "--quiet", f"--tag={self.tag}", *self.options, ".", cwd=self.folder)
        return time.perf_counter() - started


def main() -> None:
    run = f"slipway-bench-{uuid4().hex[:8]}"
    base = os.environ.get("SLIPWAY_TEST_PYTHON_IMAGE") or default_python_image()
    bare = f"{run}:ours-without-bytecode"
    with tempfile.TemporaryDirectory() as scratch:
        ours, naive = _candidates(run, base, Path(scratch))
        try:
            for candidate in (ours, naive):
                _say(f"building {candidate.tag}")
                candidate.build()
            _build_without_bytecode(ours.tag, bare)
            results = {name: _sizes(each, base) for name, each in (("ours", ours), ("naive", naive))}
            starts = _starts_s(ours.tag, naive.tag, bare)
            for name, each in (("ours", ours), ("naive", naive)):
                results[name]["start to first answer, s"] = starts[each.tag]
                results[name][f"memory after {REQUESTS} requests, MB"] = _memory_mb(each.tag)
                results[name] |= _rebuild(each)
        finally:
            for tag in (ours.tag, naive.tag, bare, f"{run}:ours-changed", f"{run}:naive-changed"):
                subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True)
    _print(results["ours"], results["naive"], starts[bare])


def _say(text: str) -> None:
    print(text, flush=True)


def _candidates(run: str, base: str, scratch: Path) -> tuple[Candidate, Candidate]:
    checkout = copy_of_the_checkout(scratch / "ours")
    tutorial = scratch / "naive"
    shutil.copytree(NAIVE, tutorial)
    shutil.copy(BUNDLED_MODEL / "tokenizer.json", tutorial)
    ca = trusted_certificates()
    options = (f"--build-arg=PYTHON_IMAGE={base}", *([f"--secret=id=ca,src={ca}"] if ca else []))
    return (
        Candidate(
            f"{run}:ours", checkout, checkout / "service/cpus.py", (*options, "--file=service/Dockerfile")
        ),
        Candidate(f"{run}:naive", tutorial, tutorial / "app.py", options),
    )


def _build_without_bytecode(tag: str, bare: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(NO_BYTECODE.format(tag))
        docker("build", "--quiet", f"--tag={bare}", folder)


def _sizes(candidate: Candidate, base: str) -> dict[str, float]:
    _say(f"compressing {candidate.tag}")
    size = _size_mb(candidate.tag)
    return {
        "size, MB": size,
        "compressed, MB": _compressed_mb(candidate.tag),
        "added over the base, MB": size - _size_mb(base),
    }


def _size_mb(tag: str) -> float:
    return int(docker("image", "inspect", "--format={{.Size}}", tag)) / 1e6


def _compressed_mb(tag: str) -> float:
    compressor, total = zlib.compressobj(6), 0
    with subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as saving:
        assert saving.stdout
        while chunk := saving.stdout.read(1 << 20):
            total += len(compressor.compress(chunk))
    return (total + len(compressor.flush())) / 1e6


def _starts_s(*tags: str) -> dict[str, float]:
    """Median seconds from `docker run` to the first answer; a first round fills the page cache."""
    seconds: dict[str, list[float]] = {tag: [] for tag in tags}
    for turn in range(STARTS + 1):
        _say(f"starting, round {turn} of {STARTS}")
        for tag in tags:
            started = time.perf_counter()
            with _answering(tag):
                if turn > 0:
                    seconds[tag].append(time.perf_counter() - started)
    return {tag: statistics.median(values) for tag, values in seconds.items()}


def _memory_mb(tag: str) -> float:
    """Resident memory of the server process."""
    with _answering(tag) as (name, url):
        for _ in range(REQUESTS):
            assert _answers(url)
        process = int(docker("inspect", "--format={{.State.Pid}}", name))
        return psutil.Process(process).memory_info().rss / 1e6


@contextmanager
def _answering(tag: str) -> Generator[tuple[str, str]]:
    """A container that has given its first answer: its name, and where it predicts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/predict"
    name = docker("run", "--detach", f"--env=MODEL_API_KEY={KEY}", f"--publish=127.0.0.1:{port}:8080", tag)
    try:
        end = time.monotonic() + 180
        while not _answers(url):
            if time.monotonic() > end:
                raise SystemExit(f"{tag} did not answer within 180 s:\n{docker('logs', name)[-2000:]}")
            time.sleep(0.005)
        yield name, url
    finally:
        docker("rm", "--force", name)


def _answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, BODY, REQUEST_HEADERS)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def _rebuild(candidate: Candidate) -> dict[str, float]:
    """After one line more of code: median seconds, and the layers that the image before did not have."""
    _say(f"changing the code of {candidate.tag}")
    changed = replace(candidate, tag=f"{candidate.tag}-changed")
    seconds: list[float] = []
    for number in range(REBUILDS):
        subprocess.run(["docker", "image", "rm", "--force", changed.tag], capture_output=True)
        with candidate.code.open("a") as file:
            file.write(f"\nCHANGED = {number}\n")
        seconds.append(changed.build())
    before, after = _layer_mb(candidate.tag), _layer_mb(changed.tag)
    new = [after[layer] for layer in after.keys() - before.keys()]
    return {
        "rebuild after a code change, s": statistics.median(seconds),
        "new layers after it": len(new),
        "new layers after it, MB": sum(new),
    }


def _layer_mb(tag: str) -> dict[str, float]:
    """Each layer's id to its size as an uncompressed tar."""
    sizes: dict[str, float] = {}
    names: list[str] = []
    with (
        subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as saving,
        tarfile.open(fileobj=saving.stdout, mode="r|") as tar,
    ):
        for member in tar:
            sizes[member.name] = member.size / 1e6
            if member.name == "manifest.json":
                manifest = tar.extractfile(member)
                assert manifest
                names = json.loads(manifest.read())[0]["Layers"]
    ids: list[str] = json.loads(docker("image", "inspect", "--format={{json .RootFS.Layers}}", tag))
    return {layer: sizes[name] for layer, name in zip(ids, names, strict=True)}


def _print(ours: dict[str, float], naive: dict[str, float], bare_start_s: float) -> None:
    print(f"\n{'':36}{'ours':>10}{'naive':>10}{'ratio':>8}")
    for name, value in ours.items():
        print(f"{name:36}{value:>10.2f}{naive[name]:>10.2f}{naive[name] / value:>8.1f}")
    print(f"{'the same start without bytecode, s':36}{bare_start_s:>10.2f}")
    print(
        json.dumps(
            {
                "ours": {name: round(value, 3) for name, value in ours.items()},
                "naive": {name: round(value, 3) for name, value in naive.items()},
                "ratio": {name: round(naive[name] / value, 2) for name, value in ours.items()},
                "ours_start_without_bytecode_s": round(bare_start_s, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
