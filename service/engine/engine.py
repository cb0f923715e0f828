"""A bounded queue of calls and the threads that work it off.

A call with many texts takes turns with the others: after each text it goes to the end of the queue, so a list
of a thousand delays a single text by about one text. Two bounds keep the wait and the memory small: the
calls in the queue, which is what a newcomer waits behind, and the tokens they hold. Without batching a turn
computes one text. With it a turn only tokenises, and what is of near-equal length is then computed together
(service/engine/batches.py), by the same threads or by others. Seconds are the event loop's.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from ..faults import QueueFull
from .batches import Batching, Pool, Prepared
from .call import Call
from .readings import QueueReading
from .threads import Post, Threads, raisable
from .work import BatchWork, Work

# While many wait, answers are handed to the event loop a few at a time: each wake-up of its thread takes a
# CPU from the model. At most one for so many turns in line, so that no answer is held for long; and none
# where a turn is long.
HELD_ANSWERS, TURNS_PER_HELD_ANSWER = 8, 4
SHORT_TURN_SECONDS = 0.005
BatchObserver = Callable[[int, int, int], object]


def _ignore(*_: int) -> None: ...


class Engine:
    def __init__(
        self,
        threads: int,
        max_queue_calls: int,
        max_queue_tokens: int,
        batching: Batching | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an engine.

        batching: None computes each text alone, on `threads` threads. clock: of their turns.
        """
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
        self._batch_computed: BatchObserver = _ignore
        forward_threads = batching.forward_threads if batching else 0
        self._computes_here = batching is not None and not forward_threads
        self._workers = threads
        self.threads = Threads(clock)
        self.threads.start("inference", threads, self._work_off)
        self.threads.start("forward", forward_threads, self._compute)

    @property
    def is_full(self) -> bool:
        """Return whether even a call without tokens finds no place."""
        return self._calls > 0 and (self._calls >= self._max_calls or self._tokens > self._max_tokens)

    @property
    def retry_after_seconds(self) -> int:
        """Return the seconds until what waits now has probably been computed, at least 1."""
        return max(1, math.ceil(self._tokens * self._seconds_per_token / self._workers))

    def refuse_if_full(self, tokens: int = 0) -> None:
        """Raise QueueFull if a call of so many tokens does not fit. An empty queue accepts any."""
        calls, waiting = self._calls, self._tokens
        if calls and (calls >= self._max_calls or waiting + tokens > self._max_tokens):
            raise QueueFull(
                f"{calls} calls with about {waiting} tokens are waiting"
                + (f" and this one has about {tokens}" if tokens else "")
                + f"; at most {self._max_calls} calls and {self._max_tokens} tokens may wait",
                retry_after_seconds=self.retry_after_seconds,
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

    def when_batch_computed(self, call: BatchObserver) -> None:
        """Call `call` on an inference thread after each batch, with its texts, tokens and padded tokens."""
        self._batch_computed = call

    def queue(self) -> QueueReading:
        """Return what is in line now. Any thread."""
        calls = list(self._under_way)
        oldest = min((call.timing.submitted for call in calls if call.has_place), default=None)
        return QueueReading(
            calls=self._calls,
            tokens=self._tokens,
            oldest_seconds=0.0 if oldest is None else max(0.0, time.perf_counter() - oldest),
            max_calls=self._max_calls,
            max_tokens=self._max_tokens,
        )

    @property
    def unanswered(self) -> int:
        """Return the number of calls that wait or are being computed."""
        return len(self._under_way)

    def pooled(self) -> int:
        """Return the number of texts that are tokenised and wait for a batch."""
        return 0 if self._pool is None else len(self._pool)

    def stop(self, timeout_seconds: float) -> bool:
        """End the threads; return False if one is still computing after the timeout."""
        for _ in range(self._workers):
            self._turns.put(None)
        if self._pool is not None:
            self._pool.close()
        return self.threads.join(timeout_seconds)

    def _watch(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """Keep one timer for all calls, at the earliest deadline: one each would cost more than the queue."""
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
        self._give_place_back(call)

    def _give_place_back(self, call: Call) -> None:
        """Free the call's place, once: at its last turn, or earlier if its client has left."""
        with self._lock:
            if call.has_place:
                call.has_place = False
                self._calls -= 1
                self._tokens -= call.tokens

    def _work_off(self, post: Post) -> None:
        while True:
            # Before it may wait for the next turn, so that no answer is held while nothing happens.
            if self._answered and len(self._answered) >= self._held_answers():
                self._wake_loop()
            if self._computes_here and self._computed_a_batch(post):
                continue
            call = self._turns.get()
            if call is None:
                return
            with post.turn():
                self._take_turn_or_answer(call)
            del call  # or a thread that waits for its next turn would keep the last call's texts

    def _take_turn_or_answer(self, call: Call) -> None:
        """Take a turn; after a fault of the engine itself, answer the caller before the thread restarts."""
        try:
            self._take_turn(call)
        except BaseException as error:
            self._answer(call, None, raisable(error))
            raise

    def _take_turn(self, call: Call) -> None:
        index, work = call.next_index, call.work
        call.timing.begins()
        call.next_index = index + 1
        if call.stopped or call.next_index == call.size:
            self._give_place_back(call)
        else:
            self._turns.put(call)  # to the end of the line; another thread may take it up meanwhile
        if not call.stopped and work is not None:
            self._step(call, work, index)

    def _step(self, call: Call, work: Work[bytes], index: int) -> None:
        started = time.perf_counter()
        try:
            if self._pool is not None and isinstance(work, BatchWork):
                if tokens := work.prepare(index):
                    self._pool.put(call, work, index, tokens)
                    return
            else:
                work.step(index)
            self._took(time.perf_counter() - started, 1, call.tokens / call.size)
            self._done(call, work)
        except BaseException as error:  # whatever it is, it is that call's, and ends no thread
            self._answer(call, None, raisable(error))

    def _computed_a_batch(self, post: Post) -> bool:
        """Compute a batch if no turn is left or the pool is full; return whether.

        It does not wait for more texts, which may never come.
        """
        pool = self._pool
        if pool is None or not (self._turns.empty() or pool.is_full()):
            return False
        share = math.ceil((len(pool) + self._turns.qsize()) / self._workers)  # the other threads' is theirs
        batch = pool.take_now(share)
        if batch:
            with post.turn():
                self._compute_batch(batch)
        return bool(batch)

    def _compute(self, post: Post) -> None:
        pool = self._pool
        while pool is not None and (batch := pool.take()):
            with post.turn():
                self._compute_batch(batch)
            del batch

    def _compute_batch(self, batch: list[Prepared]) -> None:
        started = time.perf_counter()
        now = time.monotonic()  # the pool's clock
        for each in batch:
            if each.index == 0:
                each.call.timing.waited_for_batch(now - each.since)
        if self._forward(batch):
            padded = len(batch) * max(each.tokens for each in batch)
            self._batch_computed(len(batch), sum(each.tokens for each in batch), padded)
            tokens = sum(each.call.tokens / each.call.size for each in batch)
            self._took(time.perf_counter() - started, len(batch), tokens)
        self._wake_loop()

    def _forward(self, batch: list[Prepared]) -> bool:
        """Compute a batch; if it fails, compute each text alone, so that only the faulty call fails."""
        try:
            batch[0].work.compute([(each.work, each.index) for each in batch])
        except BaseException as error:  # as in _step
            if len(batch) == 1:
                self._answer(batch[0].call, None, raisable(error))
            else:
                for each in batch:
                    self._forward([each])
            return False
        for each in batch:
            self._done(each.call, each.work)
        return True

    def _done(self, call: Call, work: Any) -> None:
        """Count a finished turn of the call, and answer it after the last one."""
        with self._lock:
            call.done += 1
            last = call.done == call.size
        if not last or call.stopped:
            return
        call.timing.is_computed()
        try:
            answer = work.result()
            call.timing.is_encoded()
            call.timing.facts = getattr(work, "facts", None)  # older tasks have none
        except BaseException as error:  # as in _step
            self._answer(call, None, raisable(error))
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
            # A closed loop: the process is ending and no caller waits any more.
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
