"""uvicorn's HTTP/1.1, with bounds on what a client may send and problem details for what is not HTTP."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.problems import CAUSES, MEDIA_TYPE, problem_json
from service.engine import Call
from service.faults import HeadTooLarge, MalformedHttp, RequestFault

MAX_HEAD_BYTES = 64 << 10
# What is still read, and dropped, after an early answer such as 413, so that the client gets to see it.
MAX_LEFTOVER_BYTES = 16 << 20


class HttpProtocol(HttpToolsProtocol):
    _in_head = True
    _heads = 0
    _head_bytes = 0
    _leftover_bytes = 0

    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        # Counted here: the parser keeps an unfinished header to itself.
        unfinished = in_head and heads == self._heads
        self._head_bytes = self._head_bytes + len(data) if unfinished else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge, f"request line and headers exceed {MAX_HEAD_BYTES} bytes")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._leftover_bytes += len(body)
            if self._leftover_bytes > MAX_LEFTOVER_BYTES:
                self.transport.close()
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        call = self._call_under_way()
        if call is not None:
            call.abandon()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(MalformedHttp, "this is not HTTP/1.1")

    def _refuse(self, fault: type[RequestFault], detail: str) -> None:
        cause = CAUSES[fault]
        body = problem_json(cause, detail)
        head = (
            f"HTTP/1.1 {cause.status} {cause.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _call_under_way(self) -> Call | None:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's annotation says
        return None if cycle is None or cycle.response_complete else cycle.scope["state"].get("call")
