"""`python -m bench.image`: compares our image with what the tutorials build (naive/), both made in one run.

Needs a Docker engine on this machine; SLIPWAY_TEST_PYTHON_IMAGE names another base for both. MB are 10^6
bytes; compressed is `docker save` through gzip level 6, much as a registry holds it. The naive image and the
one with torch download 2.9 GB the first time, and need 25 GB of disk. Starts take turns, so that a busy
machine slows all: bench/cold_start.py.
"""

import json
import os
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psutil

from bench import cold_start
from bench.cold_start import Start
from slipway.service.settings import BUNDLED_MODEL
from tests.checkout import copy_of_the_checkout
from tests.container.engine import default_python_image, docker, trusted_certificates

NAIVE = Path(__file__).parent / "naive"
REBUILDS, REQUESTS = 3, 100
CPU, NAIVE_START = "cpu", "naive: FastAPI and torch"
# That of its Dockerfile, on a port that is free here.
NAIVE_COMMAND = ("uvicorn", "app:app", "--host", "127.0.0.1", "--port", "PORT")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image to measure: the folder it is built in, the options, and one of its code files."""

    tag: str
    folder: Path
    code: Path
    options: tuple[str, ...]

    def build(self) -> float:
        """Build the image and return the seconds it took."""
        started = time.perf_counter()
        docker("build", "--quiet", f"--tag={self.tag}", *self.options, ".", cwd=self.folder)
        return time.perf_counter() - started


def main() -> None:
    run = f"slipway-bench-{uuid4().hex[:8]}"
    base = os.environ.get("SLIPWAY_TEST_PYTHON_IMAGE") or default_python_image()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        scratch = Path(folder)
        stack.callback(_remove_images_of, run)
        ours, naive = _candidates(run, base, scratch)
        for candidate in (ours, naive):
            _say(f"building {candidate.tag}")
            candidate.build()
        results = {name: _sizes(each, base) for name, each in (("ours", ours), ("naive", naive))}
        starts = _starts(ours, naive, scratch, stack)
        seconds = cold_start.seconds_to_first_answer(starts)
        for name, each in (("ours", ours), ("naive", naive)):
            row = CPU if name == "ours" else NAIVE_START
            results[name]["start to first answer, s"] = seconds[row]
            results[name][f"memory after {REQUESTS} requests, MB"] = _memory_mb(starts[row])
            results[name] |= _rebuild(each)
        _print(results["ours"], results["naive"])
        print(f"\n{cold_start.table(starts, seconds)}")
        print(json.dumps({"first_answer_s": {name: round(value, 3) for name, value in seconds.items()}}))


def _starts(ours: Candidate, naive: Candidate, scratch: Path, stack: ExitStack) -> dict[str, Start]:
    """Build the images of each start."""
    run = ours.tag.partition(":")[0]
    cpu = replace(ours, tag=f"{run}:cpu-buckets", options=(*ours.options, "--build-arg=BUCKETS=1"))
    torch = replace(cpu, tag=f"{run}:torch-cpu", options=(*cpu.options, "--build-arg=VARIANT=torch-cpu"))
    for candidate in (cpu, torch):
        _say(f"building {candidate.tag}")
        candidate.build()
    bare, torch_bare = f"{run}:ours-bare", f"{run}:torch-cpu-bare"
    cold_start.build_without_bytecode(ours.tag, bare, scratch / "bare")
    cold_start.build_without_bytecode(torch.tag, torch_bare, scratch / "torch-bare")
    model = cold_start.torch_model(torch.tag, naive.folder, scratch)
    mounted = cold_start.mounted(model)
    s3 = stack.enter_context(cold_start.bucket())
    return {
        CPU: Start(ours.tag),
        "cpu, no bytecode": Start(bare, derived=True),
        "cpu, model fetched at start": Start(cpu.tag, cold_start.fetched(s3, BUNDLED_MODEL)),
        "torch-cpu": Start(torch.tag, mounted),
        "torch-cpu, no bytecode": Start(torch_bare, mounted, derived=True),
        "torch-cpu, model fetched at start": Start(torch.tag, cold_start.fetched(s3, model)),
        NAIVE_START: Start(naive.tag, command=NAIVE_COMMAND),
    }


def _remove_images_of(run: str) -> None:
    tags = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", run).split()
    if tags:
        docker("image", "rm", "--force", *tags)


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


def _sizes(candidate: Candidate, base: str) -> dict[str, float]:
    _say(f"compressing {candidate.tag}")
    size = cold_start.size_mb(candidate.tag)
    return {
        "size, MB": size,
        "compressed, MB": _compressed_mb(candidate.tag),
        "added over the base, MB": size - cold_start.size_mb(base),
    }


def _compressed_mb(tag: str) -> float:
    compressor, total = zlib.compressobj(6), 0
    with subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as saving:
        assert saving.stdout
        while chunk := saving.stdout.read(1 << 20):
            total += len(compressor.compress(chunk))
    return (total + len(compressor.flush())) / 1e6


def _memory_mb(start: Start) -> float:
    """Return the resident memory of the server process."""
    with cold_start.answering(start) as (name, url):
        for _ in range(REQUESTS):
            assert cold_start.answers(url)
        process = int(docker("inspect", "--format={{.State.Pid}}", name))
        return psutil.Process(process).memory_info().rss / 1e6


def _rebuild(candidate: Candidate) -> dict[str, float]:
    """Measure a rebuild with one more line of code: median seconds, and the layers that are new."""
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
    """Return each layer's id with its size as an uncompressed tar."""
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


def _print(ours: dict[str, float], naive: dict[str, float]) -> None:
    print(f"\n{'':36}{'ours':>10}{'naive':>10}{'ratio':>8}")
    for name, value in ours.items():
        print(f"{name:36}{value:>10.2f}{naive[name]:>10.2f}{naive[name] / value:>8.1f}")
    print(
        json.dumps(
            {
                "ours": {name: round(value, 3) for name, value in ours.items()},
                "naive": {name: round(value, 3) for name, value in naive.items()},
                "ratio": {name: round(naive[name] / value, 2) for name, value in ours.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
