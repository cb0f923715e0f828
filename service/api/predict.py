"""The model's routes, as bare ASGI: FastAPI's own would cost 0.4 ms a request, as much as the model."""

import asyncio
import time

from starlette.types import Receive, Scope, Send

from ..account import Holding
from ..engine import Engine, Work
from ..faults import ClientLeft, MemoryFull, NotReady, QueueFull, RequestFault
from ..lifecycle import Lifecycle
from ..payload.sampler import Sampler
from ..tasks import Operation
from .auth import Gate, Headers
from .bodies import Bodies, read_as, require_json
from .streaming import send_stream, streamed_parts


class Predict:
    def __init__(
        self,
        operation: Operation,
        engine: Engine,
        gate: Gate,
        lifecycle: Lifecycle,
        bodies: Bodies,
        sampler: Sampler | None = None,
    ) -> None:
        self._operation = operation
        self._engine = engine
        self._gate = gate
        self._lifecycle = lifecycle
        self._bodies = bodies
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
        deadline = self._bodies.deadline()
        headers: Headers = dict(scope["headers"])
        self._gate.check(scope, headers)  # before a byte of the body is read
        if not self._lifecycle.warm:
            raise NotReady("the model is still loading", retry_after_seconds=1)
        self._engine.refuse_if_full()  # nor of one that finds no place
        require_json(headers)
        own: Holding = scope["state"]["holding"].apart()  # the connection's own ends with it
        body = await self._bodies.received(scope, headers, receive, deadline)
        scope["state"]["request_bytes"] = len(body)
        work = await read_as(body, lambda json: self._operation.work(json, received), deadline, own)
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

    def _hold(self, holding: Holding, work: Work[bytes]) -> None:
        """Count the answer before it is computed. Raises MemoryFull, until what waits has been answered."""
        if not holding.fits(work.answer_bytes):
            raise MemoryFull(
                f"the answer may take {work.answer_bytes} bytes, and other requests hold the memory for it; "
                "send fewer texts at once",
                retry_after_seconds=self._engine.retry_after_seconds,
            )
        holding.hold_answer(work.answer_bytes)


async def _send_json(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
