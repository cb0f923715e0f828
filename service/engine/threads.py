"""The engine's threads: each restarts when its work breaks off, and shows how long its turn has lasted.

A turn that is stuck in native code cannot be ended from outside. It is reported: the probes in
`api/probes.py` decide what that means. Seconds are the clock's.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ..faults import WorkBroke
from ..logs import fields, log
from .readings import ThreadsReading

# A fault of the engine itself, as no error of a call ends a thread. What breaks off this often without one
# turn in between will go on doing so.
MOST_FAILURES_IN_A_ROW = 5


def raisable(error: BaseException) -> Exception:
    """Return the error as one that a waiting caller may get.

    An event loop ends by KeyboardInterrupt, SystemExit and CancelledError, and a future refuses
    StopIteration. Extensions written in Rust panic with a class that is no Exception.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    broke = WorkBroke(f"{type(error).__name__}: {error}")
    broke.__cause__ = error
    return broke


class Post:
    """What one thread is doing. Written by that thread, read by any."""

    __slots__ = ("_group", "began", "thread")

    def __init__(self, group: "Group") -> None:
        self._group = group
        self.began: float | None = None
        self.thread: threading.Thread | None = None

    @contextmanager
    def turn(self) -> Generator[None]:
        """Time one turn, which counts as finished even if its own call failed."""
        group = self._group
        self.began = group.clock()
        try:
            yield
            group.finished_a_turn()
        finally:
            self.began = None


class Group:
    """Threads that do the same work, which returns when it is to end."""

    def __init__(
        self, name: str, count: int, work: Callable[[Post], None], clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.work = work
        self.clock = clock
        self.posts = [Post(self) for _ in range(count)]
        self.last_finished = clock()
        self.failures_in_a_row = 0

    def finished_a_turn(self) -> None:
        self.last_finished = self.clock()
        self.failures_in_a_row = 0

    def longest_turn_seconds(self, now: float) -> float:
        begun = [post.began for post in self.posts]
        return max((now - began for began in begun if began is not None), default=0.0)


class Threads:
    """All threads of an engine. One that fails starts over; `when_failed` reports when it cannot."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._groups: list[Group] = []
        self._failure: Exception | None = None
        self._restarts = 0
        self._on_failure: Callable[[Exception], object] | None = None
        self._lock = threading.Lock()

    def start(self, name: str, count: int, work: Callable[[Post], None]) -> None:
        """Start `count` threads. work: returns when the engine stops; an exception starts it over."""
        group = Group(name, count, work, self._clock)
        self._groups.append(group)
        for number, post in enumerate(group.posts):
            post.thread = threading.Thread(
                target=self._keep_at_work, args=(group, post), name=f"{name}-{number}", daemon=True
            )
            post.thread.start()

    def when_failed(self, call: Callable[[Exception], object]) -> None:
        """Call `call` with the reason, on any thread, once a thread has ended for good, or at once."""
        with self._lock:
            self._on_failure, failure = call, self._failure
        if failure is not None:
            call(failure)

    def join(self, timeout_seconds: float) -> bool:
        """Wait until all have ended; False if one has not by then."""
        end = time.monotonic() + timeout_seconds
        threads = [post.thread for group in self._groups for post in group.posts if post.thread]
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def reading(self) -> ThreadsReading:
        """Return how the threads do. Any thread."""
        threads = [post.thread for group in self._groups for post in group.posts if post.thread]
        alive = sum(thread.is_alive() for thread in threads)
        return ThreadsReading(
            alive=alive,
            dead=len(threads) - alive,
            restarts=self._restarts,
            longest_turn_seconds=self.longest_turn_seconds(),
        )

    def longest_turn_seconds(self) -> float:
        """Return how long the longest turn in progress has lasted; 0 if there is none."""
        now = self._clock()
        return max((group.longest_turn_seconds(now) for group in self._groups), default=0.0)

    def make_progress(self, within_seconds: float) -> bool:
        """Return False if threads of a kind are busy and none of them has finished a turn for so long."""
        now = self._clock()
        return not any(
            group.longest_turn_seconds(now) > within_seconds and now - group.last_finished > within_seconds
            for group in self._groups
        )

    def _keep_at_work(self, group: Group, post: Post) -> None:
        while True:
            try:
                group.work(post)
            except BaseException as error:
                group.failures_in_a_row += 1
                if group.failures_in_a_row >= MOST_FAILURES_IN_A_ROW:
                    self._fail(raisable(error))
                    return
                with self._lock:
                    self._restarts += 1
                log.error(
                    "An inference thread failed and restarts",
                    exc_info=error,
                    extra=fields(thread=threading.current_thread().name, failures=group.failures_in_a_row),
                )
            else:
                return

    def _fail(self, reason: Exception) -> None:
        with self._lock:
            if self._failure is not None:
                return
            self._failure, call = reason, self._on_failure
        log.critical(
            "An inference thread failed %d times in a row",
            MOST_FAILURES_IN_A_ROW,
            exc_info=reason,
            extra=fields(thread=threading.current_thread().name),
        )
        if call is not None:
            call(reason)
