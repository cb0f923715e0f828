"""`python -m bench`: compares the server with its peers, and measures overload, attacks, time and crowds.

Each piece is saved in the results file as soon as it is done, so a run can be made in parts (`--pieces`). A
piece that is not possible (a peer that does not install or start) is reported and left out.
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

from bench.attack import SECONDS as ATTACK_SECONDS
from bench.attack import attack
from bench.compare import block
from bench.connections import HELD, allowed_connections, connections
from bench.contender import NotReady
from bench.goals import QUIET
from bench.jobs import jobs
from bench.memory import REQUESTS, memory
from bench.overload import overload
from bench.peers import catalog
from bench.plot import svg
from bench.report import into_document, markdown
from bench.results import Results, quietness, rows
from bench.slipway import serving
from bench.workload import short_texts
from bench.writers.table import writers
from slipway.service.cpus import usable_cpus
from slipway.service.manifest import TextManifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS

PEERS = {peer.key: peer for peer in catalog.ALL}
OVERLOAD_SECONDS = 60
BUSY = " (**a busy machine: rates and times are not to be relied on**)"


def main() -> None:
    asked = _arguments()
    results = Results.read(asked.results)
    results.facts = _facts(asked.model)
    pieces = _pieces(asked.model, results)
    for name in asked.pieces.split(",") if asked.pieces else list(pieces):
        _say(f"== {name}")
        try:
            results.skipped.pop(name, None)
            pieces[name]()
        except (NotReady, OSError, subprocess.CalledProcessError, SystemExit) as error:
            results.skipped[name] = str(error).partition("\n")[0]
            _say(f"LEFT OUT {name}: {error}")
        results.write(asked.results)
    if (share := quietness(results)) is not None:
        results.facts["Quiet"] = f"the raw limit got {share:.0%} of the CPUs{'' if share >= QUIET else BUSY}"
        results.write(asked.results)
    print(markdown(results))
    _illustrate(results, asked.results)


def _illustrate(results: Results, file: Path) -> None:
    """Write the plot next to the results, and both into the document next to them, if there is one."""
    if every := rows(results):
        title = f"Requests a second at 64 connections, relative to the bare model, {results.facts['Model']}"
        title += BUSY.replace("*", "") if BUSY in results.facts.get("Quiet", "") else ""
        file.with_suffix(".svg").write_text(svg(every, title))
    document = file.with_suffix(".md")
    if document.is_file():
        document.write_text(into_document(document.read_text(), results))
    _say(f"wrote {file} and what belongs to it")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "model", nargs="?", type=Path, default=BUNDLED_MODEL, help="folder with manifest.json"
    )
    names = [*PEERS, "overload", "memory", "connections", "attack", "jobs", "writers"]
    parser.add_argument("--pieces", default="", help=f"some of {','.join(names)}; by default all")
    parser.add_argument("--results", type=Path, default=Path("build/benchmarks.json"), help="file to add to")
    asked = parser.parse_args()
    wanted = str(asked.pieces).split(",")
    if unknown := [name for name in wanted if name and name not in names]:
        parser.error(f"--pieces has {', '.join(unknown)}; allowed: {', '.join(names)}")
    return asked


def _pieces(model: Path, results: Results) -> dict[str, Callable[[], None]]:
    def compared(key: str) -> Callable[[], None]:
        def measure() -> None:
            PEERS[key].install()
            results.blocks[key] = block(PEERS[key], model, _say)

        return measure

    def overloaded() -> None:
        with serving(model) as server:
            results.pieces["overload"] = overload(model, server, OVERLOAD_SECONDS)

    def weighed() -> None:
        with serving(model) as server:
            results.pieces["memory"] = memory(server, REQUESTS)

    def connected() -> None:
        held = allowed_connections(HELD)
        with serving(model) as server:
            request = server.posts(short_texts())[0]
            results.pieces["connections"] = connections(server.port, server.process, request, held)

    def attacked() -> None:
        results.pieces["attack"] = attack(model, ATTACK_SECONDS)

    def queued() -> None:
        results.pieces["jobs"] = jobs(model, _say)

    def wrote() -> None:
        results.pieces["writers"] = writers(_say)

    others = {
        "overload": overloaded,
        "memory": weighed,
        "connections": connected,
        "attack": attacked,
        "jobs": queued,
        "writers": wrote,
    }
    return {key: compared(key) for key in PEERS} | others


def _facts(model: Path) -> dict[str, str]:
    manifest = TextManifest.read(model, TASKS)
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "Date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "Machine": f"{usable_cpus()} CPUs ({_cpu_name()}), {_memory_gib():.0f} GiB, {release}",
        "Software": f"Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}, "
        f"numpy {np.__version__}",
        "Model": manifest.model_version,
    }


def _cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
