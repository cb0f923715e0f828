"""The queue alone, with work of the test's own making on its threads."""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from slipway.service.engine import Engine
from slipway.service.faults import ClientLeft, DeadlineExceeded, QueueFull

FOREVER = 1e9


class FakeWork:
    """Notes the order of its steps in `seen`; each step first waits for `gate`."""

    def __init__(
        self, name: str, size: int, seen: list[str], gate: threading.Event | None = None, fails_at: int = -1
    ) -> None:
        self.name, self.size, self.tokens = name, size, size
        self.answer_bytes = 0
        self.facts = None
        self._seen, self._gate, self._fails_at = seen, gate, fails_at
        self.begun = threading.Event()
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1

    def step(self, index: int) -> None:
        self.begun.set()
        if self._gate is not None and not self._gate.wait(timeout=20):
            raise AssertionError("the gate stayed shut")
        if index == self._fails_at:
            raise ZeroDivisionError
        self._seen.append(f"{self.name}{index}")

    def result(self) -> bytes:
        return f"{self.name} done".encode()


def with_engine(
    test: Callable[[Engine], Coroutine[Any, Any, None]],
    threads: int = 1,
    max_calls: int = 100,
    max_tokens: int = 2000,
) -> None:
    engine = Engine(threads, max_calls, max_tokens)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(engine))
    finally:
        assert engine.stop(timeout_seconds=20)


def test_nothing_holds_the_work_of_a_call_that_is_answered():
    async def test(engine: Engine) -> None:
        call = engine.submit(FakeWork("a", 3, []), FOREVER)
        work = weakref.ref(call.work)
        assert await call.answer == b"a done"
        del call
        end = time.monotonic() + 10
        while work() is not None and time.monotonic() < end:
            await asyncio.sleep(0)  # its thread is about to wait for the next turn
        assert work() is None

    with_engine(test)


@pytest.mark.parametrize("threads", [1, 4])
def test_every_step_is_taken_once_and_then_the_result(threads: int):
    seen: list[str] = []

    async def test(engine: Engine) -> None:
        calls = [engine.submit(FakeWork(name, 10, seen), FOREVER) for name in "abcdef"]
        assert [await call.answer for call in calls] == [f"{name} done".encode() for name in "abcdef"]

    with_engine(test, threads)
    assert sorted(seen) == sorted(f"{name}{index}" for name in "abcdef" for index in range(10))


def test_a_single_text_waits_for_one_text_of_a_long_list_not_for_all():
    seen: list[str] = []
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        long = FakeWork("list", 1000, seen, gate)
        calls = [engine.submit(long, FOREVER)]
        await asyncio.to_thread(long.begun.wait, 20)
        calls += [engine.submit(FakeWork(name, 1, seen), FOREVER) for name in "xyz"]
        gate.set()
        await asyncio.gather(*(call.answer for call in calls))

    with_engine(test)
    # The list's second turn was already in the line when the singles came.
    assert seen[:5] == ["list0", "list1", "x0", "y0", "z0"]


def test_two_lists_take_turns():
    seen: list[str] = []
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        first = FakeWork("a", 4, seen, gate)
        calls = [engine.submit(first, FOREVER)]
        await asyncio.to_thread(first.begun.wait, 20)
        calls.append(engine.submit(FakeWork("b", 4, seen), FOREVER))
        gate.set()
        await asyncio.gather(*(call.answer for call in calls))

    with_engine(test)
    assert seen == ["a0", "a1", "b0", "a2", "b1", "a3", "b2", "b3"]


def test_a_queue_of_tokens_that_is_full_refuses_the_call_and_says_when_to_come_back():
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, [], gate)
        calls = [engine.submit(blocker, FOREVER)]
        await asyncio.to_thread(blocker.begun.wait, 20)
        calls.append(engine.submit(FakeWork("b", 6, []), FOREVER))
        with pytest.raises(
            QueueFull,
            match=r"1 calls with about 6 tokens .* this one has about 5; at most 100 calls and 10 tok",
        ) as refused:
            engine.submit(FakeWork("c", 5, []), FOREVER)
        assert refused.value.retry_after_seconds == 1
        calls.append(engine.submit(FakeWork("d", 4, []), FOREVER))  # this one fits
        gate.set()
        await asyncio.gather(*(call.answer for call in calls))
        for _ in range(3):  # all the room is there again
            await engine.submit(FakeWork("e", 10, []), FOREVER).answer

    with_engine(test, max_tokens=10)


def test_what_waits_says_when_it_will_have_been_computed():
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        assert engine.retry_after_seconds == 1
        blocker = FakeWork("a", 1, [], gate)
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        waiting = engine.submit(FakeWork("b", 65_000, []), FOREVER)
        assert engine.retry_after_seconds == 7  # of 0.1 ms each, as is assumed before one was computed
        waiting.abandon()
        gate.set()
        await first.answer

    with_engine(test, max_tokens=100_000)


def test_a_call_past_its_deadline_is_given_up_and_not_begun():
    seen: list[str] = []
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, seen, gate)
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        late = engine.submit(FakeWork("late", 5, seen), asyncio.get_running_loop().time() + 0.01)
        with pytest.raises(DeadlineExceeded):
            await late.answer
        gate.set()
        await first.answer
        await engine.submit(FakeWork("b", 10, seen), FOREVER).answer  # the late one takes no room either

    with_engine(test, max_tokens=10)
    assert seen == ["a0", *(f"b{index}" for index in range(10))]


def test_what_a_client_that_left_had_waiting_is_dropped():
    seen: list[str] = []
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, seen, gate)
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        left = engine.submit(FakeWork("left", 5, seen), FOREVER)
        left.abandon()
        with pytest.raises(ClientLeft):
            await left.answer
        gate.set()
        await first.answer
        await engine.submit(FakeWork("b", 1, seen), FOREVER).answer

    with_engine(test)
    assert seen == ["a0", "b0"]


def test_a_step_that_fails_ends_its_call_and_no_other():
    seen: list[str] = []

    async def test(engine: Engine) -> None:
        bad = engine.submit(FakeWork("bad", 50, seen, fails_at=2), FOREVER)
        good = engine.submit(FakeWork("good", 50, seen), FOREVER)
        with pytest.raises(ZeroDivisionError):
            await bad.answer
        assert await good.answer == b"good done"
        await engine.submit(FakeWork("b", 100, []), FOREVER).answer

    with_engine(test)
    assert [name for name in seen if name.startswith("bad")] == ["bad0", "bad1"]


def test_several_threads_share_one_list():
    together = threading.Barrier(3, timeout=20)

    class Meeting(FakeWork):
        def step(self, index: int) -> None:
            together.wait()

    async def test(engine: Engine) -> None:
        assert await engine.submit(Meeting("a", 3, []), FOREVER).answer == b"a done"

    with_engine(test, threads=3)


def test_a_line_of_many_calls_refuses_the_next_however_small_they_are():
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, [], gate)
        calls = [engine.submit(blocker, FOREVER)]
        await asyncio.to_thread(blocker.begun.wait, 20)
        engine.refuse_if_full()  # what is being computed waits no more
        calls += [engine.submit(FakeWork("b", 1, []), FOREVER) for _ in range(3)]
        with pytest.raises(QueueFull, match=r"3 calls with about 3 tokens are waiting; at most 3 calls"):
            engine.refuse_if_full()
        gate.set()
        await asyncio.gather(*(call.answer for call in calls))
        engine.refuse_if_full()

    with_engine(test, max_calls=3)


def test_an_empty_queue_takes_a_call_of_any_size():
    async def test(engine: Engine) -> None:
        assert await engine.submit(FakeWork("a", 50, []), FOREVER).answer == b"a done"

    with_engine(test, max_tokens=10)


def test_work_that_nobody_waits_for_is_told_to_stop_once():
    gate = threading.Event()
    blocker, late, left, done = (FakeWork(name, 1, [], gate) for name in ("a", "late", "left", "done"))

    async def test(engine: Engine) -> None:
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        expiring = engine.submit(late, asyncio.get_running_loop().time() + 0.01)
        leaving = engine.submit(left, FOREVER)
        leaving.abandon()
        leaving.abandon()
        first.abandon()  # while its step is under way
        for call, fault in ((expiring, DeadlineExceeded), (leaving, ClientLeft), (first, ClientLeft)):
            with pytest.raises(fault):
                await call.answer
        gate.set()
        await engine.submit(done, FOREVER).answer

    with_engine(test)
    assert [work.stops for work in (blocker, late, left, done)] == [1, 1, 1, 0]


def test_deadlines_hold_whatever_the_order_in_which_calls_come():
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, [], gate)
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        now = asyncio.get_running_loop().time()
        later, sooner = (engine.submit(FakeWork("b", 1, []), now + wait) for wait in (0.05, 0.01))
        with pytest.raises(DeadlineExceeded):
            await sooner.answer
        with pytest.raises(DeadlineExceeded):
            await later.answer
        assert not first.answer.done()
        gate.set()
        assert await first.answer == b"a done"

    with_engine(test)


def test_under_load_every_answer_comes_though_they_are_handed_over_together():
    async def test(engine: Engine) -> None:
        for _ in range(20):  # until the engine knows that turns are short, and then on
            calls = [engine.submit(FakeWork(str(number), 1, []), FOREVER) for number in range(90)]
            answers = await asyncio.wait_for(asyncio.gather(*(call.answer for call in calls)), 20)
            assert answers == [f"{number} done".encode() for number in range(90)]

    with_engine(test, threads=3)


@pytest.mark.parametrize("how", ["abandoned", "expired"])
def test_a_call_that_nobody_waits_for_gives_its_place_back_at_once_and_holds_nothing(how: str) -> None:
    gate = threading.Event()

    async def test(engine: Engine) -> None:
        blocker = FakeWork("a", 1, [], gate)
        first = engine.submit(blocker, FOREVER)
        await asyncio.to_thread(blocker.begun.wait, 20)
        for _ in range(50):  # many more than there are places
            deadline = FOREVER if how == "abandoned" else asyncio.get_running_loop().time()
            work = FakeWork("left", 2, [])
            gone = weakref.ref(work)
            call = engine.submit(work, deadline)
            del work
            if how == "abandoned":
                call.abandon()
            with pytest.raises(ClientLeft if how == "abandoned" else DeadlineExceeded):
                await call.answer
            del call
            assert gone() is None
        waiting = [engine.submit(FakeWork("b", 1, []), FOREVER) for _ in range(3)]
        with pytest.raises(QueueFull):
            engine.submit(FakeWork("c", 1, []), FOREVER)
        gate.set()
        for call in (first, *waiting):
            await call.answer
        assert engine.submit(FakeWork("d", 1, []), FOREVER)

    with_engine(test, max_calls=3)
