"""The model's routes, as bare ASGI: FastAPI's own would cost 0.4 ms a request, as much as the model."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from starlette.types import Receive, Scope, Send

from ..account import Holding
from ..engine import Engine, Work
from ..faults import (
    BodyTimeout,
    BodyTooLarge,
    ClientLeft,
    DeadlineExceeded,
    MemoryFull,
    NotReady,
    QueueFull,
    RequestFault,
    UnsupportedMedia,
)
from ..lifecycle import Lifecycle
from ..payload.sampler import Sampler
from ..tasks import Operation
from .auth import Gate, Headers
from .streaming import send_stream, streamed_parts

# A body up to here is parsed where it arrives, mostly in less than a millisecond.
SMALL_BODY_BYTES = 32 << 10
# The memory that parsing takes, and the processor, are those of one large body at a time.
ONE_LARGE_BODY = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parsing")


class Predict:
    def __init__(
        self,
        operation: Operation,
        engine: Engine,
        gate: Gate,
        lifecycle: Lifecycle,
        max_body_bytes: int,
        timeout_seconds: float,
        sampler: Sampler | None = None,
    ) -> None:
        self._operation = operation
        self._engine = engine
        self._gate = gate
        self._lifecycle = lifecycle
        self._max_body_bytes = max_body_bytes
        self._timeout_seconds = timeout_seconds
        self._sampler = sampler

    def refusal(self, scope: Scope) -> QueueFull | None:
        """Return the fault if the queue is full and the head is valid otherwise; None to go on."""
        if not self._engine.is_full or not self._lifecycle.warm:
            return None
        try:
            self._gate.check(scope, dict(scope["headers"]))
            self._engine.refuse_if_full()
        except QueueFull as full:
            return full
        except RequestFault:
            return None
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        headers: Headers = dict(scope["headers"])
        self._gate.check(scope, headers)  # before a byte of the body is read
        if not self._lifecycle.warm:
            raise NotReady("the model is still loading", retry_after_seconds=1)
        self._engine.refuse_if_full()  # nor of one that finds no place
        self._check_media(headers)
        own: Holding = scope["state"]["holding"].apart()  # the connection's own ends with it
        body = await self._body(scope, headers, receive, deadline)
        scope["state"]["request_bytes"] = len(body)
        work = await self._work(body, received, deadline, own)
        if self._sampler is not None and (sample := self._sampler.sample(body)) is not None:
            scope["state"]["sample"] = sample
        del body
        if "has_left" in scope["state"]:
            raise ClientLeft("the client closed the connection while its request was read")
        scope["state"]["texts"] = work.size
        holding: Holding = scope["state"]["holding"]
        self._hold(holding, work)
        parts = streamed_parts(work)
        call = self._engine.submit(work, deadline)
        del work  # the call lets go of it once nobody waits
        scope["state"]["call"] = call  # the connection abandons it if the client leaves
        scope["state"]["timing"] = call.timing
        try:
            if parts is None:
                answer = await call.answer
                holding.hold_answer(len(answer))
                await _send_json(send, answer)
            else:
                await send_stream(scope, send, call, parts)
        except asyncio.CancelledError:  # the drain is over
            call.abandon()
            raise
        finally:
            del scope["state"]["call"]

    async def _work(self, body: bytes, received: float, deadline: float, own: Holding) -> Work[bytes]:
        """Read a body. own: counts it while it waits for the one thread that reads large ones."""
        if len(body) <= SMALL_BODY_BYTES:
            return self._operation.work(body, received)
        loop = asyncio.get_running_loop()
        own.hold_body(len(body))
        try:
            async with asyncio.timeout_at(deadline):
                return await loop.run_in_executor(ONE_LARGE_BODY, self._operation.work, body, received)
        except TimeoutError:
            raise DeadlineExceeded("the request was not read in time; send less at once") from None
        finally:
            own.let_go()

    def _check_media(self, headers: Headers) -> None:
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json":
            got = media_type.decode("latin-1")[:100] or "nothing"
            raise UnsupportedMedia(f"Content-Type is {got}; send application/json")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise UnsupportedMedia("Content-Encoding is not supported; send the JSON as it is")

    async def _body(self, scope: Scope, headers: Headers, receive: Receive, deadline: float) -> bytes:
        if int(headers.get(b"content-length", b"0")) > self._max_body_bytes:
            raise self._too_large()
        if scope["state"].get("body_is_there"):
            return await self._received(receive)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._received(receive)
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive within {self._timeout_seconds:g} seconds") from None

    async def _received(self, receive: Receive) -> bytes:
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if len(body) > self._max_body_bytes:
                raise self._too_large()
            if not message["more_body"]:
                return bytes(body)
        raise ClientLeft("the client closed the connection before its request was complete")

    def _hold(self, holding: Holding, work: Work[bytes]) -> None:
        """Count the answer before it is computed. Raises MemoryFull, until what waits has been answered."""
        if not holding.fits(work.answer_bytes):
            raise MemoryFull(
                f"the answer may take {work.answer_bytes} bytes, and other requests hold the memory for it; "
                "send fewer texts at once",
                retry_after_seconds=self._engine.retry_after_seconds,
            )
        holding.hold_answer(work.answer_bytes)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body has more than {self._max_body_bytes} bytes; send fewer texts at once")


async def _send_json(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
