"""Which texts are computed together, and that a batch changes no answer."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from slipway.service.engine import Batching, BatchWork, Engine
from slipway.service.engine.batches import neighbours
from slipway.service.faults import ClientLeft

FOREVER = 1e9
LIMITS = Batching(
    max_batch_size=8, max_batch_tokens=100, max_padding_share=0.15, max_wait_ms=0, forward_threads=1
)
LENGTHS = st.lists(st.integers(1, 120), min_size=1, max_size=60).map(sorted)


def keeps_the_limits(batch: Sequence[int]) -> bool:
    padded = len(batch) * max(batch)
    return len(batch) == 1 or (len(batch) <= 8 and padded <= 100 and padded - sum(batch) <= 0.15 * padded)


@given(LENGTHS, st.data())
def test_a_batch_holds_its_lead_keeps_the_limits_and_no_larger_one_does(
    lengths: list[int], data: st.DataObject
):
    lead = data.draw(st.integers(0, len(lengths) - 1))
    run = neighbours(lengths, lead, LIMITS, most=1000)
    assert run.start <= lead < run.stop
    assert keeps_the_limits(lengths[run])
    possible = [
        end - begin
        for begin in range(lead + 1)
        for end in range(lead + 1, len(lengths) + 1)
        if keeps_the_limits(lengths[begin:end])
    ]
    assert run.stop - run.start == max(possible)


class Recorder:
    """The batches that were computed, each as the lengths in it; each forward first waits for `gate`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.under_way = self.most_under_way = 0


class LengthsWork(BatchWork):
    """Texts that are only lengths; a length of 0 has nothing to compute, and 13 fails."""

    def __init__(self, recorder: Recorder, *lengths: int) -> None:
        self.lengths, self._recorder = lengths, recorder
        self.size, self.tokens = len(lengths), sum(lengths)
        self.answer_bytes = 0
        self.computed: list[int] = []

    def prepare(self, index: int) -> int:
        return self.lengths[index]

    def compute(self, batch: Sequence[tuple[Any, int]]) -> None:
        recorder = self._recorder
        recorder.under_way += 1
        recorder.most_under_way = max(recorder.most_under_way, recorder.under_way)
        recorder.begun.set()
        if not recorder.gate.wait(timeout=20):
            raise AssertionError("the gate stayed shut")
        recorder.under_way -= 1
        recorder.batches.append([work.lengths[index] for work, index in batch])
        if 13 in recorder.batches[-1]:
            raise ZeroDivisionError
        for work, index in batch:
            work.computed.append(index)

    def result(self) -> bytes:
        return f"{sorted(self.computed)}".encode()

    def stop(self) -> None: ...


def with_batches(
    test: Callable[[Engine], Coroutine[Any, Any, None]], limits: Batching = LIMITS, threads: int = 2
) -> None:
    engine = Engine(threads, 1000, 1_000_000, limits)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(engine))
    finally:
        assert engine.stop(timeout_seconds=20)


async def held_up(engine: Engine, recorder: Recorder) -> Any:
    """Start a call that is held up until the gate opens, so that others gather behind it."""
    call = engine.submit(LengthsWork(recorder, 1), FOREVER)
    await asyncio.to_thread(recorder.begun.wait, 20)
    return call


@pytest.mark.parametrize("forward_threads", [0, 1])
def test_mixed_lengths_are_each_computed_once_with_little_padding(forward_threads: int):
    recorder = Recorder()
    recorder.gate.set()

    async def test(engine: Engine) -> None:
        works = [LengthsWork(recorder, *(range(1 + start, 90, 7))) for start in range(0, 70, 3)]
        works = [work for work in works if 13 not in work.lengths]
        calls = [engine.submit(work, FOREVER) for work in works]
        answers = await asyncio.wait_for(asyncio.gather(*(call.answer for call in calls)), 20)
        assert answers == [f"{list(range(work.size))}".encode() for work in works]
        lengths = sorted(length for work in works for length in work.lengths)
        assert sorted(length for batch in recorder.batches for length in batch) == lengths

    with_batches(test, replace(LIMITS, forward_threads=forward_threads))
    assert all(keeps_the_limits(batch) for batch in recorder.batches)
    assert not forward_threads or recorder.most_under_way == 1  # one forward at a time


def test_what_gathers_behind_a_forward_is_computed_together():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        calls = [engine.submit(LengthsWork(recorder, length), FOREVER) for length in (10, 50, 10, 9, 49)]
        await until_pooled(engine, 5)
        recorder.gate.set()
        await asyncio.gather(first.answer, *(call.answer for call in calls))

    with_batches(test, threads=1)
    # The oldest leads, whatever the others' lengths.
    assert recorder.batches == [[1], [9, 10, 10], [49, 50]]


async def until_pooled(engine: Engine, count: int) -> None:
    """All turns were taken and their texts lie in the pool."""
    async with asyncio.timeout(20):
        while engine.pooled() < count:
            await asyncio.sleep(0.001)


def test_a_text_whose_length_nobody_shares_is_not_passed_over():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        odd = engine.submit(LengthsWork(recorder, 90), FOREVER)
        await until_pooled(engine, 1)
        crowd = [engine.submit(LengthsWork(recorder, 5), FOREVER) for _ in range(20)]
        await until_pooled(engine, 21)
        recorder.gate.set()
        await asyncio.gather(first.answer, odd.answer, *(call.answer for call in crowd))

    with_batches(test)
    assert recorder.batches[:2] == [[1], [90]]


def test_a_single_text_waits_for_what_is_pooled_not_for_the_whole_list():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        long = engine.submit(LengthsWork(recorder, *[20] * 1000), FOREVER)
        await until_pooled(engine, 10)  # two batches of 100 tokens: then the pool is full
        single = engine.submit(LengthsWork(recorder, 60), FOREVER)
        recorder.gate.set()
        await asyncio.gather(first.answer, long.answer, single.answer)

    with_batches(test, threads=1)
    assert recorder.batches.index([60]) <= 6


def test_a_text_too_long_for_any_batch_is_computed_alone():
    recorder = Recorder()
    recorder.gate.set()

    async def test(engine: Engine) -> None:
        await engine.submit(LengthsWork(recorder, 500, 500), FOREVER).answer

    with_batches(test)
    assert recorder.batches == [[500], [500]]


def test_texts_wait_for_company_only_as_long_as_the_setting_says():
    recorder = Recorder()
    recorder.gate.set()
    patient = Batching(8, 10_000, 0.15, max_wait_ms=1000, forward_threads=1)

    async def test(engine: Engine) -> None:
        calls = [engine.submit(LengthsWork(recorder, 10), FOREVER) for _ in range(8)]
        await asyncio.gather(*(call.answer for call in calls))  # a full batch waits no longer
        assert await engine.submit(LengthsWork(recorder, 10), FOREVER).answer == b"[0]"

    with_batches(test, patient)
    assert recorder.batches == [[10] * 8, [10]]


def test_a_text_that_fails_in_a_batch_ends_its_own_call_and_no_other():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        calls = [engine.submit(LengthsWork(recorder, length), FOREVER) for length in (13, 13, 14)]
        await until_pooled(engine, 3)
        recorder.gate.set()
        for bad in calls[:2]:
            with pytest.raises(ZeroDivisionError):
                await bad.answer
        assert await calls[2].answer == b"[0]"
        await first.answer

    with_batches(test)


def test_what_nobody_waits_for_is_in_no_batch():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        left = engine.submit(LengthsWork(recorder, 30), FOREVER)
        await until_pooled(engine, 1)
        left.abandon()
        with pytest.raises(ClientLeft):
            await left.answer
        stays = engine.submit(LengthsWork(recorder, 30, 0), FOREVER)
        recorder.gate.set()
        await asyncio.gather(first.answer, stays.answer)

    with_batches(test)
    assert recorder.batches == [[1], [30]]


HERE = replace(LIMITS, forward_threads=0)


def test_threads_that_do_both_leave_each_other_a_share():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        calls = [engine.submit(LengthsWork(recorder, 10), FOREVER) for _ in range(6)]
        async with asyncio.timeout(20):  # until the second thread has begun its share
            while recorder.under_way < 2:
                await asyncio.sleep(0.001)
        recorder.gate.set()
        await asyncio.gather(first.answer, *(call.answer for call in calls))

    with_batches(test, HERE, threads=2)
    assert max(map(len, recorder.batches)) <= 3
    assert sum(map(len, recorder.batches)) == 7


def test_threads_that_do_both_compute_a_single_text_at_once_and_a_crowd_together():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)  # alone: nobody waits for company
        calls = [engine.submit(LengthsWork(recorder, 10), FOREVER) for _ in range(16)]
        recorder.gate.set()
        await asyncio.gather(first.answer, *(call.answer for call in calls))

    with_batches(test, HERE, threads=1)
    assert recorder.batches == [[1], [10] * 8, [10] * 8]


def test_threads_that_do_both_take_a_single_text_before_the_rest_of_a_list():
    recorder = Recorder()

    async def test(engine: Engine) -> None:
        first = await held_up(engine, recorder)
        long = engine.submit(LengthsWork(recorder, *[20] * 1000), FOREVER)
        single = engine.submit(LengthsWork(recorder, 60), FOREVER)
        recorder.gate.set()
        await asyncio.gather(first.answer, long.answer, single.answer)

    with_batches(test, HERE, threads=1)
    assert recorder.batches.index([60]) <= 4
