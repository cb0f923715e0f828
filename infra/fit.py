"""Measures what a model needs in this serving engine, or estimates it: memory, start, throughput.

The server runs as the local target runs it, from a cold page cache, with no limit first; then once more
under the limit that is recommended, which proves it. Memory is MiB of anonymous memory: mapped and
cached files can be dropped, so they do not count.
"""

import math
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from components.checkout import ROOT
from components.local import process
from components.local.memory import anonymous_bytes, charged_bytes, group_name
from components.local.process import HOST, Launch
from components.local.record import ProcessRecord, write_json
from components.model import ModelFolder, model_folder
from components.need import Need, inference_threads, need_of
from components.sizes import Size, smallest_sizes
from components.spec import ROUTES
from infra.errors import Failed, Refused
from infra.load import LoadFailed, Rate, Service, rate, text_of

_MIB = 2**20
_SAMPLE_SECONDS = 0.005
_PROOF_STEP_MIB = 64
_PROOF_TRIES = 4
# cloud.google.com/run/docs/configuring/healthchecks: period x threshold of a start-up probe.
_STARTUP_LIMIT_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of the model: each length (tokens) at each concurrency (requests), for some seconds."""

    tokens: tuple[int, ...]
    concurrency: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What is known of a model. proof: the limit it lived under and how it was enforced; None = not run."""

    model: str
    cpu: float
    need: Need
    ready_seconds: float | None = None
    rates: tuple[Rate, ...] = ()
    proof: tuple[int, str] | None = None
    sizes: list[Size] = field(default_factory=list[Size])

    @property
    def requests_per_vcpu_second(self) -> float | None:
        """Of the shortest texts, by the CPU time that they took: a server may use more CPUs than one."""
        costs_ms = [one.cpu_ms_per_request for one in self.rates if one.tokens == self.rates[0].tokens]
        return 1000 / min(costs_ms) if costs_ms and min(costs_ms) > 0 else None

    @property
    def startup_probe(self) -> dict[str, int] | None:
        """Thrice the start that was measured, at least 10 s and at most what Cloud Run allows."""
        if self.ready_seconds is None:
            return None
        patience = min(_STARTUP_LIMIT_SECONDS, max(10, math.ceil(self.ready_seconds * 3)))
        period = 1 if patience <= 30 else 5
        return {"period_seconds": period, "failure_threshold": math.ceil(patience / period)}


def model_of(text: str) -> tuple[str, ModelFolder]:
    """A model as a setting names it, or as a plain folder. Raises Refused."""
    source = text if text.startswith(("bundled:", "file:")) else f"file:{Path(text).resolve()}"
    try:
        return source, model_folder("fit", source, None, ROOT)
    except ValueError as error:
        raise Refused(str(error)) from None


def work_of(model: ModelFolder, tokens: str, concurrency: str, seconds: float) -> Work:
    """From comma-separated numbers; `max` stands for the model's limit. Raises Refused."""
    limit = int(model.manifest["max_tokens"])
    lengths = _numbers("tokens", tokens.replace("max", str(limit)), 3, limit)
    return Work(lengths, _numbers("concurrency", concurrency, 1, 256), seconds)


def _numbers(option: str, text: str, low: int, high: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", part) and low <= int(part) <= high for part in parts):
        raise Refused(f"--{option} got {text!r}; allowed: numbers from {low} to {high}, comma between them.")
    return tuple(sorted({int(part) for part in parts}))


def estimated(source: str, model: ModelFolder, cpu: float) -> Fit:
    """From the manifest alone: nothing runs."""
    need = need_of(model.manifest, cpu)
    return Fit(source, cpu, need, sizes=smallest_sizes(need.with_margin_mib, cpu))


def measured(source: str, model: ModelFolder, cpu: float, work: Work, say: Callable[[str], None]) -> Fit:
    """Run it. Raises Failed where the model cannot be served, StartFailed where it does not start."""
    say(f"Starting {source} from a cold page cache")
    _drop_cached(ROOT / model.path)
    with _Server(model, cpu, limit_mib=_all_memory_mib()) as server, server.peak_mib() as peak:
        ready_seconds = server.start()
        rates = tuple(server.rates(work, say))
    need = Need(round(peak[0], 1), measured=True)
    sizes = smallest_sizes(need.with_margin_mib, cpu)
    proof = _proved(model, cpu, sizes[0].memory_mib, work, say)
    if proof[0] > sizes[0].memory_mib:
        sizes = smallest_sizes(proof[0], cpu)
    return Fit(source, cpu, need, round(ready_seconds, 2), rates, proof, sizes)


def write_measured(model: ModelFolder, fit: Fit) -> None:
    """Put what was measured at one vCPU into the model's manifest, whole or not at all."""
    manifest = dict(model.manifest)
    manifest["measured"] = {
        "memory_mb": round(fit.need.memory_mib),
        "load_seconds": fit.ready_seconds,
        "texts_per_second": round(fit.requests_per_vcpu_second or 0, 1),
    }
    write_json(ROOT / model.path / "manifest.json", manifest)
    (ROOT / model.path / "manifest.json").chmod(0o644)


def _proved(
    model: ModelFolder, cpu: float, memory_mib: int, work: Work, say: Callable[[str], None]
) -> tuple[int, str]:
    """The smallest limit from `memory_mib` on, in steps, under which the server lived through the work."""
    hardest = Work((max(work.tokens),), (max(work.concurrency),), work.seconds)
    for _ in range(_PROOF_TRIES):
        say(f"Running it once more with a limit of {memory_mib} MiB")
        _drop_cached(ROOT / model.path)
        try:
            with _Server(model, cpu, memory_mib) as server:
                server.start()
                list(server.rates(hardest, lambda _text: None))
                return memory_mib, server.enforced_by
        except (process.StartFailed, Failed):
            memory_mib += _PROOF_STEP_MIB
    raise Failed(
        f"It did not live under {memory_mib} MiB either, though it was seen to use less: measure again."
    )


class _Server:
    """One server of the model in a run folder of its own, gone at the end."""

    def __init__(self, model: ModelFolder, cpu: float, limit_mib: int) -> None:
        self._model = model
        self._cpu = cpu
        self._limit_mib = limit_mib
        self._temporary = tempfile.TemporaryDirectory(prefix="slipway-fit-")
        self._folder = Path(self._temporary.name)
        self._key = process.new_api_key()
        self._port = _free_port()
        self._pid = 0
        self.enforced_by = ""

    def __enter__(self) -> "_Server":
        return self

    def __exit__(self, *_: object) -> None:
        process.stop(self._folder, patience_seconds=3)
        self._temporary.cleanup()

    def start(self) -> float:
        """Seconds from the process's start until it is ready."""
        launch = Launch(
            folder=self._folder,
            port=self._port,
            threads=inference_threads(self._cpu),
            memory_bytes=self._limit_mib * _MIB,
            timeout_seconds=60,
            model_folder=(ROOT / self._model.path).resolve(),
            version="fit",
            api_key=self._key,
        )
        begun = time.monotonic()
        record = process.start(launch, "slipway fit", "fit", self._model.path)
        self.enforced_by, self._pid = record.enforced_by, record.server.pid
        return time.monotonic() - begun

    def rates(self, work: Work, say: Callable[[str], None]) -> Generator[Rate]:
        route = ROUTES[self._model.manifest["task"]]
        service = Service(HOST, self._port, self._key, self._pid, route)
        tokenizer: Tokenizer = Tokenizer.from_file(str(ROOT / self._model.path / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        for tokens in work.tokens:
            text = text_of(tokenizer, tokens)
            for concurrency in work.concurrency:
                say(f"Asking: {tokens} tokens, {concurrency} at once")
                try:
                    yield rate(service, text, tokens, concurrency, work.seconds)
                except LoadFailed as error:
                    raise Failed(f"{error}. {self._end_in_words()}") from None

    def _end_in_words(self) -> str:
        time.sleep(0.5)  # the supervisor writes the end a moment after it
        record = ProcessRecord.read(self._folder)
        return record.end_in_words() if record and record.ended else "The server still runs."

    @contextmanager
    def peak_mib(self) -> Generator[list[float]]:
        """The highest anonymous memory while inside, in a list of one."""
        peak, done = [0.0], threading.Event()

        def watch() -> None:
            record = None
            while not done.wait(_SAMPLE_SECONDS):
                record = record or ProcessRecord.read(self._folder)
                if record:
                    pid, group = record.server.pid, group_name(record.supervisor.pid)
                    peak[0] = max(peak[0], anonymous_bytes(pid) / _MIB, charged_bytes(group, pid) / _MIB)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield peak
        finally:
            done.set()
            watcher.join()


def _drop_cached(folder: Path) -> None:
    """Let the system forget the files' pages, where it can be asked, so that a start is a cold one."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _all_memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
