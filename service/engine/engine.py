"""A bounded queue of calls and the threads that compute them, one text at a time.

A call with many texts takes turns with the others: after each text it goes to the end of the line, so a
list of a thousand delays a single text by about one text. Nothing waits for a batch to fill: on a CPU a
batch gains nearly nothing, and the wait is the caller's. Seconds are the event loop's.
"""

import asyncio
import math
import threading
import time
from queue import SimpleQueue
from typing import Protocol, TypeVar

from service.faults import ClientLeft, DeadlineExceeded, QueueFull

T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    """What one call asks for. `step` and `result` run on the engine's threads."""

    @property
    def size(self) -> int:
        """Number of texts, at least 1."""
        ...

    def step(self, index: int) -> None:
        """Compute one text. Steps of one call may run at the same time."""
        ...

    def result(self) -> T_co:
        """Called once, after every step."""
        ...


class Call:
    """One call's place in the line. `next_index` belongs to the thread that holds its turn."""

    __slots__ = ("_loop", "answer", "done", "next_index", "stopped", "timer", "work")

    def __init__(self, work: Work[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.answer: asyncio.Future[bytes] = loop.create_future()
        self.next_index = 0
        self.done = 0
        self.stopped = False
        self.timer: asyncio.TimerHandle | None = None
        self._loop = loop

    def abandon(self) -> None:
        """The client has left: what is not begun is dropped. Event loop's thread only."""
        self._settle(None, ClientLeft("the client closed the connection before the answer was ready"))

    def expire(self) -> None:
        self._settle(None, DeadlineExceeded("the answer was not ready in time; ask for fewer texts at once"))

    def settle_from_thread(self, answer: bytes | None, error: Exception | None) -> None:
        self.stopped = True
        try:
            self._loop.call_soon_threadsafe(self._settle, answer, error)
        except RuntimeError:  # the loop is closed: the process is ending and nobody waits any more
            return

    def _settle(self, answer: bytes | None, error: Exception | None) -> None:
        self.stopped = True
        if self.timer is not None:
            self.timer.cancel()
        if self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer or b"")


class Engine:
    def __init__(self, threads: int, max_queue_texts: int) -> None:
        self._max_queue_texts = max_queue_texts
        self._waiting_texts = 0
        self._seconds_per_text = 0.001
        self._lock = threading.Lock()
        self._turns: SimpleQueue[Call | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work_off, name=f"inference-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work[bytes], deadline: float) -> Call:
        """Queue a call; `await call.answer` gives its result or raises.

        deadline: on the event loop's clock; a call past it raises DeadlineExceeded and is not begun.
        Raises QueueFull at once if its texts do not fit.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            waiting = self._waiting_texts
            if waiting + work.size > self._max_queue_texts:
                raise QueueFull(
                    f"{waiting} texts are waiting and this call has {work.size}; "
                    f"at most {self._max_queue_texts} may wait",
                    retry_after_seconds=self._seconds_to_work_off(waiting),
                )
            self._waiting_texts = waiting + work.size
        call = Call(work, loop)
        call.timer = loop.call_at(deadline, call.expire)
        self._turns.put(call)
        return call

    def stop(self, timeout_seconds: float) -> bool:
        """End the threads; False if one is still computing after the timeout."""
        for _ in self._threads:
            self._turns.put(None)
        end = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _seconds_to_work_off(self, texts: int) -> int:
        return max(1, math.ceil(texts * self._seconds_per_text / len(self._threads)))

    def _work_off(self) -> None:
        while (call := self._turns.get()) is not None:
            self._take_turn(call)

    def _take_turn(self, call: Call) -> None:
        index, size = call.next_index, call.work.size
        if call.stopped:
            self._leave_queue(size - index)
            return
        call.next_index = index + 1
        self._leave_queue(1)
        if call.next_index < size:
            self._turns.put(call)  # to the end of the line; another thread may take it up meanwhile
        self._step(call, index)

    def _step(self, call: Call, index: int) -> None:
        started = time.perf_counter()
        try:
            call.work.step(index)
            with self._lock:
                call.done += 1
                last = call.done == call.work.size
            if last and not call.stopped:
                call.settle_from_thread(call.work.result(), None)
        except Exception as error:
            call.settle_from_thread(None, error)
        # A moving average, for Retry-After; two threads writing at once lose one sample, no more.
        self._seconds_per_text += 0.05 * (time.perf_counter() - started - self._seconds_per_text)

    def _leave_queue(self, texts: int) -> None:
        with self._lock:
            self._waiting_texts -= texts
