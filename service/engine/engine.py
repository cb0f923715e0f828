"""A bounded queue of calls and the threads that work it off.

A call with many texts takes turns with the others: after each text it goes to the end of the line, so a list
of a thousand delays a single text by about one text. Two bounds keep the wait and the memory small: the
calls in line, which is what a newcomer waits behind, and the tokens they hold. Without batching a turn
computes one text. With it a turn only tokenises, and what is of near-equal length is then computed together
(service/engine/batches.py), by the same threads or by others. Seconds are the event loop's.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from queue import SimpleQueue

from ..faults import QueueFull
from .batches import Batching, Pool, Prepared
from .call import Call
from .work import BatchWork, Work

# While many wait, answers are handed to the event loop a few at a time: each wake-up of its thread takes a
# CPU from the model. At most one for so many turns in line, so that no answer is held for long; and none
# where a turn is long.
HELD_ANSWERS, TURNS_PER_HELD_ANSWER = 8, 4
SHORT_TURN_SECONDS = 0.005


class Engine:
    def __init__(
        self, threads: int, max_queue_calls: int, max_queue_tokens: int, batching: Batching | None = None
    ) -> None:
        """batching: None computes each text alone, on `threads` threads."""
        self._max_calls = max_queue_calls
        self._max_tokens = max_queue_tokens
        self._calls = self._tokens = 0  # in line
        self._seconds_per_token = 0.0001
        self._seconds_per_turn = 1.0
        self._lock = threading.Lock()
        self._turns: SimpleQueue[Call | None] = SimpleQueue()
        self._answered: deque[tuple[Call, bytes | None, Exception | None]] = deque()
        self._under_way: dict[Call, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pool = None if batching is None else Pool(batching)
        forward_threads = batching.forward_threads if batching else 0
        self._computes_here = batching is not None and not forward_threads
        targets = [self._work_off] * threads + [self._compute] * forward_threads
        self._workers = threads
        self._threads = [
            threading.Thread(target=target, name=f"inference-{number}", daemon=True)
            for number, target in enumerate(targets)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_full(self) -> bool:
        """Whether not even a call without tokens finds a place."""
        return self._calls > 0 and (self._calls >= self._max_calls or self._tokens > self._max_tokens)

    def refuse_if_full(self, tokens: int = 0) -> None:
        """Raises QueueFull where a call of so many tokens does not fit. An empty queue takes any."""
        calls, waiting = self._calls, self._tokens
        if calls and (calls >= self._max_calls or waiting + tokens > self._max_tokens):
            raise QueueFull(
                f"{calls} calls with about {waiting} tokens are waiting"
                + (f" and this one has about {tokens}" if tokens else "")
                + f"; at most {self._max_calls} calls and {self._max_tokens} tokens may wait",
                retry_after_seconds=max(1, math.ceil(waiting * self._seconds_per_token / self._workers)),
            )

    def submit(self, work: Work[bytes], deadline: float) -> Call:
        """Queue a call; `await call.answer` gives its result or raises.

        deadline: on the event loop's clock; a call past it raises DeadlineExceeded and is not begun.
        Raises QueueFull at once if it does not fit.
        """
        tokens = work.tokens
        self.refuse_if_full(tokens)
        loop = self._loop = asyncio.get_running_loop()
        call = Call(work, tokens, deadline, loop.create_future(), self._closed)
        with self._lock:
            self._calls += 1
            self._tokens += tokens
        self._under_way[call] = None
        self._watch(loop, deadline)
        self._turns.put(call)
        return call

    def pooled(self) -> int:
        """Texts that are tokenised and wait for a batch."""
        return 0 if self._pool is None else len(self._pool)

    def stop(self, timeout_seconds: float) -> bool:
        """End the threads; False if one is still computing after the timeout."""
        for _ in range(self._workers):
            self._turns.put(None)
        if self._pool is not None:
            self._pool.close()
        end = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _watch(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """One timer for all calls, at the earliest deadline: one for each would cost more than the queue."""
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = loop.call_at(deadline, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for call in [call for call in self._under_way if call.deadline <= now]:
            call.expire()
        if self._under_way:
            self._watch(loop, min(call.deadline for call in self._under_way))

    def _closed(self, call: Call) -> None:
        self._under_way.pop(call, None)

    def _work_off(self) -> None:
        while True:
            # Before it may wait for the next turn, so that no answer is held while nothing happens.
            if self._answered and len(self._answered) >= self._held_answers():
                self._wake_loop()
            if self._computes_here and self._computed_a_batch():
                continue
            call = self._turns.get()
            if call is None:
                return
            self._take_turn(call)
            del call  # or a thread that waits for its next turn would keep the last call's texts

    def _take_turn(self, call: Call) -> None:
        index = call.next_index
        call.next_index = index + 1
        if call.stopped or call.next_index == call.work.size:
            with self._lock:
                self._calls -= 1
                self._tokens -= call.tokens
        else:
            self._turns.put(call)  # to the end of the line; another thread may take it up meanwhile
        if not call.stopped:
            self._step(call, index)

    def _step(self, call: Call, index: int) -> None:
        work, started = call.work, time.perf_counter()
        try:
            if self._pool is not None and isinstance(work, BatchWork):
                if tokens := work.prepare(index):
                    self._pool.put(call, index, tokens)
                    return
            else:
                work.step(index)
        except Exception as error:
            self._answer(call, None, error)
        else:
            self._took(time.perf_counter() - started, 1, call.tokens / work.size)
            self._done(call)

    def _computed_a_batch(self) -> bool:
        """Once all turns are taken, or the pool is full: nobody waits for company that may not come."""
        pool = self._pool
        if pool is None or not (self._turns.empty() or pool.is_full()):
            return False
        share = math.ceil((len(pool) + self._turns.qsize()) / self._workers)  # the other threads' is theirs
        batch = pool.take_now(share)
        if batch:
            self._compute_batch(batch)
        return bool(batch)

    def _compute(self) -> None:
        pool = self._pool
        while pool is not None and (batch := pool.take()):
            self._compute_batch(batch)
            del batch

    def _compute_batch(self, batch: list[Prepared]) -> None:
        started = time.perf_counter()
        if self._forward(batch):
            tokens = sum(each.call.tokens / each.call.work.size for each in batch)
            self._took(time.perf_counter() - started, len(batch), tokens)
        self._wake_loop()

    def _forward(self, batch: list[Prepared]) -> bool:
        """Where a batch fails, each text is tried alone: the fault is that of its own call."""
        work: BatchWork = batch[0].call.work  # pyright: ignore[reportAssignmentType] - only these are pooled
        try:
            work.compute([(each.call.work, each.index) for each in batch])  # pyright: ignore[reportArgumentType]
        except Exception as error:
            if len(batch) == 1:
                self._answer(batch[0].call, None, error)
            else:
                for each in batch:
                    self._forward([each])
            return False
        for each in batch:
            self._done(each.call)
        return True

    def _done(self, call: Call) -> None:
        """One of its turns."""
        with self._lock:
            call.done += 1
            last = call.done == call.work.size
        if not last or call.stopped:
            return
        try:
            answer = call.work.result()
        except Exception as error:
            self._answer(call, None, error)
        else:
            self._answer(call, answer, None)

    def _answer(self, call: Call, answer: bytes | None, error: Exception | None) -> None:
        if not call.stopped:
            call.stopped = error is not None
            self._answered.append((call, answer, error))

    def _held_answers(self) -> int:
        if self._seconds_per_turn > SHORT_TURN_SECONDS:
            return 1
        return min(HELD_ANSWERS, self._turns.qsize() // TURNS_PER_HELD_ANSWER)

    def _wake_loop(self) -> None:
        if self._loop is not None:
            # A closed loop: the process is ending and nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        while self._answered:
            call, answer, error = self._answered.popleft()
            call.settle(answer, error)

    def _took(self, seconds: float, turns: int, tokens: float) -> None:
        # Moving averages; two threads writing at once lose one sample, no more.
        self._seconds_per_turn += 0.05 * (seconds / turns - self._seconds_per_turn)
        self._seconds_per_token += 0.05 * (seconds / max(tokens, 1) - self._seconds_per_token)
