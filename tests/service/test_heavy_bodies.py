"""A body within the limit of bytes costs a bounded time and memory, whatever it is made of."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server
from tests.service.tasks.table_model import classifier

JSON = {"Content-Type": "application/json"}
BODY_BYTES = (2 << 20) - 100
# A server with 128 MiB has about 60 of them left when it is idle.
MOST_MIB = 32
# It took from 0.2 to 21 seconds; a shared machine may stop a process for a few tenths.
MOST_LOOP_SECONDS = 1.0


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("texts") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("rows")
    with running_server(folder / "log", MODEL_DIR=str(classifier(folder / "iris"))) as server:
        yield server


def peak_mib(server: RunningServer) -> float:
    """Return the highest resident memory since `forget_peak`."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak(server: RunningServer) -> None:
    # man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html: 5 resets VmHWM.
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


class Answered:
    """One POST, with what it cost the server: MiB over what it held, and a probe's longest wait meanwhile."""

    def __init__(self, server: RunningServer, body: bytes) -> None:
        probed, over = threading.Event(), threading.Event()
        waits: list[float] = []

        def probe() -> None:
            with httpx.Client(base_url=server.url, timeout=60) as probing:
                while not over.is_set():
                    started = time.perf_counter()
                    assert probing.get("/alive", timeout=60).is_success
                    waits.append(time.perf_counter() - started)
                    probed.set()

        prober = threading.Thread(target=probe)
        prober.start()
        assert probed.wait(60)
        forget_peak(server)
        before = peak_mib(server)
        try:
            self.answer = httpx.post(
                f"{server.url}/predict", content=body, headers=AUTHORIZED | JSON, timeout=60
            )
        finally:
            over.set()
            prober.join()
        self.mib = peak_mib(server) - before
        self.longest_wait_seconds = max(waits)

    @property
    def problem(self) -> dict[str, Any]:
        assert self.answer.status_code == 422, self.answer.text
        return self.answer.json()


def filled(field: str, item: str) -> bytes:
    """As many items as a body may have."""
    count = BODY_BYTES // (len(item) + 1)
    return f'{{"{field}":[{",".join([item] * count)}]}}'.encode()


ITEMS = ["[]", "{}", "0", '""', '["","","",""]', '{"a":0}']


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("field", ["features", "other"])
def test_a_table_of_a_million_items_is_refused_at_once_and_in_little_memory(
    rows: RunningServer, field: str, item: str
):
    answered = Answered(rows, filled(field, item))
    assert "allowed" in answered.problem["detail"]
    assert answered.mib < MOST_MIB
    assert answered.longest_wait_seconds < MOST_LOOP_SECONDS


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("field", ["text", "other"])
def test_a_million_texts_or_what_stands_for_them_are_refused_at_once_and_in_little_memory(
    texts: RunningServer, field: str, item: str
):
    answered = Answered(texts, filled(field, item))
    assert "allowed" in answered.problem["detail"]
    assert answered.mib < MOST_MIB
    assert answered.longest_wait_seconds < MOST_LOOP_SECONDS


def test_a_hundred_thousand_unknown_fields_are_refused_at_once_and_in_little_memory(texts: RunningServer):
    fields = ",".join(f'"{number}":0' for number in range(100_000))
    answered = Answered(texts, f'{{"text":"a",{fields}}}'.encode())
    assert "allowed" in answered.problem["detail"]
    assert answered.mib < MOST_MIB
    assert answered.longest_wait_seconds < MOST_LOOP_SECONDS


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_million_nested_lists_or_objects_are_refused_at_once_and_in_little_memory(
    texts: RunningServer, opening: str
):
    answered = Answered(texts, (opening * (BODY_BYTES // len(opening))).encode())
    assert "allowed" in answered.problem["detail"]
    assert answered.mib < MOST_MIB
    assert answered.longest_wait_seconds < MOST_LOOP_SECONDS


@pytest.mark.parametrize("character", ["ﷺ", "㌖", "😀"], ids=ascii)
@pytest.mark.parametrize("truncate", [True, False])
def test_a_text_that_grows_when_it_is_normalised_needs_little_memory(
    texts: RunningServer, character: str, truncate: bool
):
    body = f'{{"text": "{character * 20_000}", "truncate": {str(truncate).lower()}}}'
    answered = Answered(texts, body.encode())
    if answered.answer.status_code != 200:
        assert "tokens" in answered.problem["detail"] or "normalised" in answered.problem["detail"]
    assert answered.mib < MOST_MIB
    assert answered.longest_wait_seconds < MOST_LOOP_SECONDS


def test_a_text_that_grows_is_answered_like_its_own_beginning(texts: RunningServer):
    def prediction(count: int) -> dict[str, Any]:
        body = {"text": "ﷺ" * count, "truncate": True}
        answer = httpx.post(f"{texts.url}/predict", json=body, headers=AUTHORIZED, timeout=60).json()
        assert answer["truncated"] is True
        return {name: answer[name] for name in ("label", "proba")}

    assert prediction(20_000) == prediction(30)
