"""Runs one server to measure it: started as the local target starts it, queried, watched and stopped.

Memory is MiB of anonymous memory: mapped and cached files can be dropped, so they do not count.
"""

import http.client
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from slipway.components.load_time import MAX_LOAD_SECONDS
from slipway.components.local import process
from slipway.components.local.launch import HOST, Launch
from slipway.components.local.memory import anonymous_bytes, charged_bytes, group_name
from slipway.components.local.record import ProcessRecord
from slipway.components.model import ModelFolder, example_request
from slipway.components.need import inference_threads
from slipway.components.spec import ROUTES
from slipway.infra.errors import Failed
from slipway.infra.model.load_generator import LoadFailed, Rate, Service, rate, text_of

_MIB = 2**20
_SAMPLE_SECONDS = 0.005
# Of a model that writes; each costs about as much as a short prompt.
_WRITTEN_TOKENS = 16
# Of a summary, which is as long as this whatever the model would write.
_SUMMARY_TOKENS = 48


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """The load on the model: each length (tokens) at each concurrency (requests), for some seconds."""

    tokens: tuple[int, ...]
    concurrency: tuple[int, ...]
    seconds: float


class MeasuredServer:
    """One server of the model in a separate run folder, stopped at the end."""

    def __init__(self, model: ModelFolder, cpu: float, limit_mib: int, python_path: str = "") -> None:
        self._python_path = python_path
        self._model = model
        self._cpu = cpu
        self._limit_mib = limit_mib
        self._temporary = tempfile.TemporaryDirectory(prefix="slipway-fit-")
        self._folder = Path(self._temporary.name)
        self._key = process.new_api_key()
        self._port = _free_port()
        self._pid = 0
        self._row_peak = 0.0
        self.enforced_by = ""

    def __enter__(self) -> "MeasuredServer":
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
            model_folder=self._model.location,
            version="fit",
            api_key=self._key,
            ready_seconds=MAX_LOAD_SECONDS,
            python_path=self._python_path,
        )
        begun = time.monotonic()
        record = process.start(launch, "slipway fit", "fit", self._model.path)
        self.enforced_by, self._pid = record.enforced_by, record.server.pid
        return time.monotonic() - begun

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request with the key; return the status and the answer's JSON."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=120)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failed(f"The server did not answer {path}: {error}.") from None
        finally:
            connection.close()

    def rates(self, work: LoadProfile, say: Callable[[str], None]) -> Generator[Rate]:
        route = ROUTES[self._model.manifest["task"]]
        service = Service(HOST, self._port, self._key, self._pid, route)
        request_of, written = _requests(self._model), _written(self._model)
        for tokens in work.tokens:
            request = request_of(tokens)
            for concurrency in work.concurrency:
                say(f"Asking: {tokens} {unit_of(self._model)}, {concurrency} at once")
                self._row_peak = 0.0
                try:
                    found = rate(service, request, tokens, concurrency, work.seconds, written)
                except LoadFailed as error:
                    raise Failed(f"{error}. {self._end_in_words()}") from None
                yield replace(found, memory_mib=round(self._row_peak) or None)

    def _end_in_words(self) -> str:
        time.sleep(0.5)  # the supervisor writes the end a moment after it
        record = ProcessRecord.read(self._folder)
        return record.end_in_words() if record and record.ended else "The server still runs."

    @contextmanager
    def peak_mib(self) -> Generator[list[float]]:
        """Record the highest anonymous memory inside the block, in a list with one item."""
        peak, done = [0.0], threading.Event()

        def watch() -> None:
            record = None
            while not done.wait(_SAMPLE_SECONDS):
                record = record or ProcessRecord.read(self._folder)
                if record:
                    pid, group = record.server.pid, group_name(record.supervisor.pid)
                    now = max(anonymous_bytes(pid), charged_bytes(group, pid)) / _MIB
                    peak[0], self._row_peak = max(peak[0], now), max(self._row_peak, now)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield peak
        finally:
            done.set()
            watcher.join()


def is_tabular(model: ModelFolder) -> bool:
    return "features" in model.manifest


def unit_of(model: ModelFolder) -> str:
    """Name the unit in which the length of a request is counted."""
    return "rows" if is_tabular(model) else "tokens"


def _requests(model: ModelFolder) -> Callable[[int], dict[str, Any]]:
    """Return the function from a length to the body of a request."""
    if is_tabular(model):
        row = example_request(model.manifest)["features"]
        return lambda rows: {"features": [row] * rows}
    tokenizer: Tokenizer = Tokenizer.from_file(str(model.location / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if model.manifest["task"] == "generate":
        return lambda tokens: _generation(tokenizer, tokens)
    if model.manifest["task"] == "summarize":
        return lambda tokens: _summary(model, tokenizer, tokens)
    return lambda tokens: {"text": text_of(tokenizer, tokens), "truncate": True}


def _written(model: ModelFolder) -> Callable[[bytes], int] | None:
    """Return the function from an answer to the tokens that the model wrote; None if it writes none."""
    if model.manifest["task"] == "summarize":
        return lambda _answer: _summary_tokens(model)
    if model.manifest["task"] == "generate":
        return lambda answer: int(json.loads(answer)["usage"]["completion_tokens"])
    return None


def _summary(model: ModelFolder, tokenizer: Tokenizer, tokens: int) -> dict[str, Any]:
    """Build a request for a summary of a fixed length, so that each model of a size does the same work."""
    prefix = len(tokenizer.encode(str(model.manifest.get("prefix", ""))).ids)
    length = _summary_tokens(model)
    text = text_of(tokenizer, max(2, tokens - prefix))
    return {"text": text, "truncate": True, "min_tokens": length, "max_tokens": length}


def _summary_tokens(model: ModelFolder) -> int:
    return min(_SUMMARY_TOKENS, int(model.manifest.get("max_new_tokens", _SUMMARY_TOKENS)))


def _generation(tokenizer: Tokenizer, tokens: int) -> dict[str, Any]:
    """Build a request whose prompt and answer have `tokens` tokens together."""
    written = min(_WRITTEN_TOKENS, max(1, tokens - 1))
    return {"prompt": text_of(tokenizer, max(1, tokens - written)), "max_tokens": written, "temperature": 0}


def drop_cached(folder: Path) -> None:
    """Let the system forget the files' pages, where it can be asked, so that a start is a cold one."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def all_memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
