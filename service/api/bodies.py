"""Reads the body of a request that brings JSON: its media type, its size and the time it takes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.types import Receive, Scope

from ..account import Holding
from ..faults import BodyTimeout, BodyTooLarge, ClientLeft, DeadlineExceeded, UnsupportedMedia
from .page_session import Headers

# A body up to here is parsed where it arrives, mostly in less than a millisecond.
SMALL_BODY_BYTES = 32 << 10
# The memory that parsing takes, and the processor, are those of one large body at a time.
ONE_LARGE_BODY = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parsing")

T = TypeVar("T")


class Bodies:
    """The bodies of one server's requests."""

    def __init__(self, max_bytes: int, timeout_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    def deadline(self) -> float:
        """Return when a request that arrives now must be answered, by the event loop's clock."""
        return asyncio.get_running_loop().time() + self._timeout_seconds

    async def received(self, scope: Scope, headers: Headers, receive: Receive, deadline: float) -> bytes:
        """Return the body. Raises BodyTooLarge, BodyTimeout or ClientLeft."""
        if int(headers.get(b"content-length", b"0")) > self._max_bytes:
            raise self._too_large()
        if scope["state"].get("body_is_there"):
            return await self._whole(receive)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._whole(receive)
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive within {self._timeout_seconds:g} seconds") from None

    async def _whole(self, receive: Receive) -> bytes:
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if len(body) > self._max_bytes:
                raise self._too_large()
            if not message["more_body"]:
                return bytes(body)
        raise ClientLeft("the client closed the connection before its request was complete")

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body has more than {self._max_bytes} bytes; send fewer texts at once")


async def read_as(body: bytes, reader: Callable[[bytes], T], deadline: float, own: Holding) -> T:
    """Read a body, a large one on the one thread for these. own: counts it while it waits for that thread.

    Raises what the reader raises, and DeadlineExceeded.
    """
    if len(body) <= SMALL_BODY_BYTES:
        return reader(body)
    loop = asyncio.get_running_loop()
    own.hold_body(len(body))
    try:
        async with asyncio.timeout_at(deadline):
            return await loop.run_in_executor(ONE_LARGE_BODY, reader, body)
    except TimeoutError:
        raise DeadlineExceeded("the request was not read in time; send less at once") from None
    finally:
        own.let_go()


def require_json(headers: Headers) -> None:
    """Raise UnsupportedMedia for a body that is not JSON as it is."""
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        got = media_type.decode("latin-1")[:100] or "nothing"
        raise UnsupportedMedia(f"Content-Type is {got}; send application/json")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedMedia("Content-Encoding is not supported; send the JSON as it is")
