"""One call's place in the queue."""

import asyncio
from collections.abc import Callable

from ..faults import ClientLeft, DeadlineExceeded
from .timing import Timing
from .work import Work


class Call:
    """A call. `next_index` belongs to the thread that holds its turn; `answer` to the event loop's thread.

    work: None once the answer is there or the client has left, because a call that is still in the queue must
    not hold its request.
    """

    __slots__ = (
        *("_closed", "answer", "deadline", "done", "has_place", "next_index", "size", "stopped"),
        *("timing", "tokens", "work"),
    )

    def __init__(
        self,
        work: Work[bytes],
        tokens: int,
        deadline: float,
        answer: "asyncio.Future[bytes]",
        closed: Callable[["Call"], object],
    ) -> None:
        """Make a call.

        closed: called on the event loop's thread when it is answered or its client has left.
        """
        self.work: Work[bytes] | None = work
        self.size = work.size
        self.has_place = True
        self.tokens = tokens
        self.deadline = deadline
        self.answer = answer
        self.next_index = 0
        self.done = 0
        self.stopped = False
        self.timing = Timing()
        self._closed = closed

    def abandon(self) -> None:
        """Drop what is not begun, because the client has left. Event loop's thread only."""
        self._stop(ClientLeft("the client closed the connection before the answer was ready"))

    def expire(self) -> None:
        self._stop(DeadlineExceeded("the answer was not ready in time; send less in one request"))

    def settle(self, answer: bytes | None, error: Exception | None) -> None:
        """Give the answer or the error to the caller, once. Event loop's thread only."""
        self.stopped = True
        self.work = None
        self.timing.ends()
        self._closed(self)
        if self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
            self.answer.exception()  # a stream may be cut before it looks: no warning then
        else:
            self.answer.set_result(answer or b"")

    def _stop(self, error: Exception) -> None:
        if not self.stopped and self.work is not None:
            self.work.stop()
        self.settle(None, error)
