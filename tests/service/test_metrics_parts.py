"""The parts of the metrics: the page's own threads, the timing of a call, what a full disk costs."""

import asyncio
import os
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, Gauge

from slipway.service.engine import CallFacts, Engine, Timing
from slipway.service.listener import address_of, listener
from slipway.service.log_writer import LogWriter
from slipway.service.metrics import Instruments
from slipway.service.metrics.page import MOST_SCRAPES, MetricsServer, page_of
from tests.service.metrics_pages import Page, scraped
from tests.service.tasks.fake_writers import FakeCausal, generating
from tests.service.test_service_engine import FOREVER, FakeWork, with_engine

SAYS = "Ships slide."


@contextmanager
def page(registry: CollectorRegistry) -> Generator[str]:
    sock = listener("127.0.0.1", 0)
    host, port = address_of(sock)
    server = MetricsServer(sock, "/metrics", registry)
    server.start()
    try:
        yield f"http://{host}:{port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def test_the_page_answers_while_the_event_loop_is_stuck() -> None:
    registry, free = CollectorRegistry(), threading.Event()
    Gauge("there", "Is there.", registry=registry).set(1)
    stuck = threading.Event()

    async def block() -> None:
        with page(registry) as url:
            answered: list[float] = []

            def scrape() -> None:
                assert stuck.wait(20)
                answered.append(scraped(url).value("there"))
                free.set()

            scraping = threading.Thread(target=scrape)
            scraping.start()
            stuck.set()
            assert free.wait(20)  # the loop does nothing else until the page was answered
            scraping.join()
            assert answered == [1]

    asyncio.run(block())


def test_scrapes_that_stall_keep_no_other_from_the_page() -> None:
    registry = CollectorRegistry()
    Gauge("there", "Is there.", registry=registry).set(1)
    with page(registry) as url, ExitStack() as stalled:
        address = ("127.0.0.1", int(url.split(":")[2].partition("/")[0]))
        held: list[socket.socket] = []
        for _ in range(MOST_SCRAPES):
            held.append(stalled.enter_context(socket.create_connection(address, timeout=20)))
            held[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: a")
        assert scraped(url).value("there") == 1
        assert held[0].recv(1) == b""  # the one that had stalled longest


def test_a_call_waits_until_the_one_before_it_is_computed() -> None:
    async def test(engine: Engine) -> None:
        first, second = (engine.submit(FakeWork(name, 1, []), FOREVER) for name in "ab")
        await asyncio.gather(first.answer, second.answer)
        assert first.timing.encoded <= second.timing.began
        for call in (first, second):
            queue, compute, encode = call.timing.phases()
            assert queue is not None
            assert compute is not None
            assert encode is not None
            whole = call.timing.ended - call.timing.submitted
            assert 0 <= queue + compute + encode <= whole

    with_engine(test)


def test_a_call_that_never_had_a_turn_has_waited_until_its_end() -> None:
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        first = FakeWork("first", 1, [], gate)
        before = engine.submit(first, FOREVER)
        while not first.begun.is_set():
            await asyncio.sleep(0)
        left = engine.submit(FakeWork("left", 5, []), FOREVER)
        assert (engine.queue().calls, engine.queue().tokens) == (1, 5)
        assert engine.queue().oldest_seconds > 0
        left.abandon()
        assert left.timing.phases() == (left.timing.ended - left.timing.submitted, None, None)
        assert engine.queue().calls == 0
        gate.set()
        await before.answer

    with_engine(test)


def test_the_first_token_and_the_tokens_of_an_answer_are_recorded() -> None:
    task, _ = generating(FakeCausal(SAYS))
    work = task.operations[0].work(orjson.dumps({"prompt": "What?"}), 0.0)
    work.step(0)
    work.result()
    usage = work.facts
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (len("What?"), len(SAYS))
    assert usage.first_token_at is not None

    timing = Timing()
    timing.facts = CallFacts(6, 12, first_token_at=timing.submitted + 0.2)
    timing.ends()
    instruments = Instruments()
    instruments.call_ended("/generate", timing, timing.phases(), timing.submitted)
    page = Page(page_of(instruments.registry, "")[0].decode())
    assert page.value("slipway_time_to_first_token_seconds_sum") == pytest.approx(0.2)
    assert page.value("slipway_tokens_total", direction="output") == 12


def test_padding_is_what_a_batch_computes_in_vain() -> None:
    instruments = Instruments()
    instruments.batch_computed(3, tokens=25, padded_tokens=30)
    page = Page(page_of(instruments.registry, "")[0].decode())
    assert page.value("slipway_batch_tokens_total") == 25
    assert page.value("slipway_batch_padding_tokens_total") == 5
    assert page.value("slipway_batch_size_bucket", le="4.0") == 1
    assert page.value("slipway_batch_size_bucket", le="2.0") == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
def test_lines_that_a_full_disk_does_not_take_are_counted() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(full, lambda count: f"{count}\n")
    for _ in range(3):
        writer.put("a line\n")
        assert writer.flush(20)
    assert writer.dropped_in_all == 3 + 2  # each of the later two began with a line that said so
    writer.close()
    os.close(full)


def test_the_metrics_port_needs_no_event_loop_to_say_404() -> None:
    with page(CollectorRegistry()) as url:
        assert httpx.get(f"{url}/more").status_code == 404
