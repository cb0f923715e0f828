"""Sends an answer as it is made: from an inference thread, over the event loop, to the client.

The thread never waits for the client: a slow reader would hold a place that others wait for. What it has not
taken is kept, which the answer's limit of tokens bounds; the protocol cuts off a client that takes nothing.
"""

import asyncio
import threading

import orjson
from starlette.types import Scope, Send

from ..engine import Call, Work
from ..faults import ClientLeft, DrainCut, RequestFault
from ..tasks.streams import MEDIA_TYPE, StreamableWork
from .problems import CAUSES, INTERNAL, Cause

HEADERS = [
    (b"content-type", MEDIA_TYPE.encode() + b"; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the parts back
]


class Parts:
    """The parts that are made and not yet sent. `put` is for any thread, the rest for the event loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._news = asyncio.Event()

    def put(self, part: bytes) -> None:
        with self._lock:
            self._waiting.append(part)
            is_first = len(self._waiting) == 1
        if is_first:
            try:
                self._loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:  # the loop is closed: the process is ending
                return

    def wake(self, *_: object) -> None:
        self._news.set()

    async def news(self) -> None:
        """Wait until there are parts, or `wake` was called."""
        await self._news.wait()
        self._news.clear()

    def take(self) -> bytes:
        with self._lock:
            taken, self._waiting = self._waiting, []
        return b"".join(taken)


def streamed_parts(work: Work[bytes]) -> Parts | None:
    """Return where the work will put its answer's parts; None if it is sent whole.

    Call it before queueing.
    """
    if not (isinstance(work, StreamableWork) and work.is_streamed):
        return None
    parts = Parts()
    work.stream_to(parts.put)
    return parts


async def send_stream(scope: Scope, send: Send, call: Call, parts: Parts) -> None:
    """Send the answer as it is made. Raises a fault before the first part; a later one ends the stream."""
    stream = _Stream(scope, send)
    call.answer.add_done_callback(parts.wake)
    try:
        while not call.answer.done():
            await parts.news()
            if not call.answer.done() and (ready := parts.take()):
                await stream.send(ready)
        last = call.answer.result()  # before the parts are taken: where it raises they are sent all the same
        await stream.send(parts.take() + last, more=False)
    except ClientLeft:
        if not stream.has_begun:
            raise
    except RequestFault as fault:
        if not stream.has_begun:
            raise
        await stream.break_off(parts.take(), CAUSES[type(fault)], fault.detail)
    except asyncio.CancelledError:
        call.abandon()
        if stream.has_begun:
            detail = "the server shut down before the answer was complete"
            await stream.break_off(parts.take(), CAUSES[DrainCut], detail)
        raise
    except Exception:
        if stream.has_begun:
            detail = "The server failed; its log has the reason under this answer's X-Request-ID."
            await stream.break_off(parts.take(), INTERNAL, detail)
        raise


class _Stream:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.has_begun = False

    async def send(self, part: bytes, more: bool = True) -> None:
        if not self.has_begun:
            self.has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def break_off(self, part: bytes, cause: Cause, detail: str) -> None:
        self._scope["state"]["cut"] = cause.slug  # for the request log, whose status is that of the beginning
        await self.send(part + error_event(cause, detail), more=False)


def error_event(cause: Cause, detail: str) -> bytes:
    """Return an error in the form of which OpenAI's clients make an APIError."""
    error = {"message": detail, "type": cause.slug, "code": cause.status}
    return b"event: error\ndata: " + orjson.dumps({"error": error}) + b"\n\n"
