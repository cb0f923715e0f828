"""One call's place in the line."""

import asyncio
from collections.abc import Callable

from ..faults import ClientLeft, DeadlineExceeded
from .work import Work


class Call:
    """`next_index` belongs to the thread that holds its turn; `answer` to the event loop's thread."""

    __slots__ = ("_closed", "answer", "deadline", "done", "next_index", "stopped", "tokens", "work")

    def __init__(
        self,
        work: Work[bytes],
        tokens: int,
        deadline: float,
        answer: "asyncio.Future[bytes]",
        closed: Callable[["Call"], object],
    ) -> None:
        """closed: told, on the event loop's thread, when the answer is there or nobody waits for it."""
        self.work = work
        self.tokens = tokens
        self.deadline = deadline
        self.answer = answer
        self.next_index = 0
        self.done = 0
        self.stopped = False
        self._closed = closed

    def abandon(self) -> None:
        """The client has left: what is not begun is dropped. Event loop's thread only."""
        self._stop(ClientLeft("the client closed the connection before the answer was ready"))

    def expire(self) -> None:
        self._stop(DeadlineExceeded("the answer was not ready in time; ask for less at once"))

    def settle(self, answer: bytes | None, error: Exception | None) -> None:
        """The engine has finished with it. Event loop's thread only."""
        self.stopped = True
        self._closed(self)
        if self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
            self.answer.exception()  # a stream may be cut before it looks: no warning then
        else:
            self.answer.set_result(answer or b"")

    def _stop(self, error: Exception) -> None:
        if not self.stopped:
            self.work.stop()
        self.settle(None, error)
