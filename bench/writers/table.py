"""The writers' table: models that write text on a CPU, ours, the bare engine, torch and llama.cpp, in turn.

Random weights of flan-t5-base's shape with its vocabulary of 32,128, and of a small Llama's; 256 tokens are
read and 48 written, greedy. The contenders take turns, round by round, and medians are compared.

WRITERS_TORCH names the site-packages of an environment with torch and Transformers, WRITERS_LLAMA_CPP the
Python of one with llama-cpp-python[server] and gguf; without them those rows are left out.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from bench.contender import NotReady
from bench.writers.contenders import OverHttp, TextWriter, alone, llama_cpp, slipway
from bench.writers.folders import llama_folder, t5_folder, text_of
from slipway.service.cpus import usable_cpus

ROUNDS = 3
MEASURES = {"one_ms": ("whole", 1), "eight_ms": ("whole", 8), "first_token_ms": ("first", 1)}
HERE = Path(__file__).parent
Piece = dict[str, float | None]


def main() -> None:
    print(json.dumps(writers(lambda text: print(text, file=sys.stderr, flush=True)), indent=1))


def writers(say: Callable[[str], object], rounds: int = ROUNDS) -> Piece:
    """Measure all. Returns numbers by `engine, model/measure`."""
    found: Piece = {}
    with tempfile.TemporaryDirectory(prefix="writers") as made:
        t5, llama = t5_folder(Path(made) / "t5"), llama_folder(Path(made) / "llama")
        for folder, word in ((t5, "t5"), (llama, "llama")):
            contenders: dict[str, AbstractContextManager[TextWriter]] = {
                f"Slipway, {word}": slipway(folder),
                f"CTranslate2 alone, {word}": alone(folder),
            }
            with contextlib.suppress(NotReady):
                contenders |= _others(word, Path(made), say)
            found |= compared(contenders, rounds, say)
            with slipway(folder) as server:
                found |= {f"Slipway, {word}/five_behind_500_ms": five_behind(server)}
    return found


def compared(
    contenders: Mapping[str, AbstractContextManager[TextWriter]], rounds: int, say: Callable[[str], object]
) -> Piece:
    """Run each contender in turn, as often as there are rounds: two at once would share the CPUs."""
    got: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        running: dict[str, TextWriter] = {}
        for name, contender in contenders.items():
            try:
                running[name] = stack.enter_context(contender)
            except (NotReady, OSError, subprocess.SubprocessError, SystemExit) as error:
                say(f"LEFT OUT {name}: {error}")
        for turn in range(rounds + 1):
            for name, writer in running.items():
                times = {key: writer.milliseconds(*measure) for key, measure in MEASURES.items()}
                for measure, milliseconds in times.items() if turn else ():  # the first is a warm-up
                    got.setdefault(f"{name}/{measure}", []).append(milliseconds)
                say(f"{name}, round {turn}: {', '.join(f'{key} {took:.0f}' for key, took in times.items())}")
        found: Piece = {key: round(statistics.median(values), 1) for key, values in got.items()}
        for name, writer in running.items():
            found[f"{name}/ready_s"] = round(writer.ready_seconds, 2)
            found[f"{name}/memory_mb"] = round(writer.pss_mb, 1)
    return found


def five_behind(server: OverHttp) -> float:
    """Return the milliseconds for 5 tokens, asked for while 500 are written."""
    field = "text" if server.summarizes else "prompt"
    bounds = {"min_tokens": 500} if server.summarizes else {"temperature": 0}
    long = {field: text_of(256), "max_tokens": 500, **bounds}
    waiting = threading.Thread(target=lambda: server.client.post(server.path, json=long))
    waiting.start()
    time.sleep(1)
    begun = time.perf_counter()
    server.client.post(server.path, json={field: text_of(256, 5), "max_tokens": 5}).raise_for_status()
    took = (time.perf_counter() - begun) * 1000
    waiting.join()
    return round(took, 1)


def _others(
    word: str, made: Path, say: Callable[[str], object]
) -> dict[str, AbstractContextManager[TextWriter]]:
    torch, python = os.environ.get("WRITERS_TORCH"), os.environ.get("WRITERS_LLAMA_CPP")
    if word == "t5":
        if not torch:
            say("LEFT OUT torch: WRITERS_TORCH names no environment")
            return {}
        folder = made / "torch"
        _run(sys.executable, "t5_of_torch.py", folder, PYTHONPATH=torch)
        return {"torch fp32, t5": slipway(folder, PYTHONPATH=torch)}
    if not python:
        say("LEFT OUT llama.cpp: WRITERS_LLAMA_CPP names no environment")
        return {}
    _run(python, "llama_of_gguf.py", made / "llama.gguf")
    return {"llama.cpp Q8_0, llama": llama_cpp(Path(python), made / "llama.gguf", usable_cpus())}


def _run(python: str, script: str, to: Path, **environment: str) -> None:
    subprocess.run([python, HERE / script, to], check=True, env={**os.environ, **environment})


if __name__ == "__main__":
    main()
