"""Makes one call over https to a public address, and reads no more of the answer than its status.

The name is resolved once; every address that it has must be public, and the connection goes to one of those
very addresses, so that a name which resolves differently a moment later (DNS rebinding) gains nothing. A
redirect is not followed. No proxy and no credential of the environment is used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

import httptools

from .address import WebhookAddress, is_public

CALL_SECONDS = 15.0
# Of an answer: its status line and headers; what follows is not read.
MAX_HEAD_BYTES = 16 << 10
_READ_BYTES = 4096

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class CallFailed(Exception):
    """The call was not answered with success. The message says why, for the log; it repeats no answer."""

    def __init__(self, cause: str, detail: str) -> None:
        """Note a failed call. cause: of a closed list, for the metrics."""
        super().__init__(detail)
        self.cause = cause


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name, in the system's order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Caller:
    """Makes calls. Event loop's thread only."""

    def __init__(
        self,
        trust: ssl.SSLContext | None = None,
        resolver: Resolver = resolved,
        allows: Callable[[str], bool] = is_public,
        seconds: float = CALL_SECONDS,
    ) -> None:
        """Call with these.

        trust: whose certificates are believed, by default the system's. allows: whether an IP address may be
        connected to. seconds: for a whole call.
        """
        self._trust = trust or ssl.create_default_context()
        self._resolver = resolver
        self._allows = allows
        self._seconds = seconds

    async def post(self, address: WebhookAddress, headers: Mapping[str, str], body: bytes) -> int:
        """Send the body and return the status, which is 2xx. Raises CallFailed."""
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._answered(address, _request(address, headers, body))
        except TimeoutError:
            raise CallFailed("timeout", f"no answer within {self._seconds:g} seconds") from None
        except ssl.SSLError as error:
            raise CallFailed(
                "tls", f"the TLS handshake failed: {error.reason or type(error).__name__}"
            ) from None
        except OSError as error:
            raise CallFailed(
                "unreachable", f"no connection: {error.strerror or type(error).__name__}"
            ) from None
        if 300 <= status < 400:
            raise CallFailed("redirect", f"answered {status}; redirects are not followed")
        if not 200 <= status < 300:
            raise CallFailed("status", f"answered {status}")
        return status

    async def _answered(self, address: WebhookAddress, request: bytes) -> int:
        sock = await self._connected(address)
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=self._trust, server_hostname=address.host, limit=MAX_HEAD_BYTES
            )
        except BaseException:
            sock.close()
            raise
        try:
            writer.write(request)
            await writer.drain()
            return await _status(reader)
        finally:
            writer.transport.abort()  # whatever else the other side sends

    async def _connected(self, address: WebhookAddress) -> socket.socket:
        """Connect to an address of the name, each of which is allowed. Raises CallFailed or OSError."""
        try:
            found = await self._resolver(address.host, address.port)
        except OSError as error:
            raise CallFailed("unresolved", f"the name has no address: {error.strerror or error}") from None
        except UnicodeError:
            raise CallFailed("unresolved", "the name is none: a part of it is empty or too long") from None
        if refused := [each for each in found if not self._allows(each)]:
            raise CallFailed("forbidden", f"the name has {len(refused)} addresses that are not public")
        last: OSError | None = None
        for each in found:
            sock = socket.socket(socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(sock, (each, address.port))
            except OSError as error:
                sock.close()
                last = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise last or CallFailed("unresolved", "the name has no address")


def _request(address: WebhookAddress, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "host": address.authority,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": "slipway",
        "connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {address.target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


class _Head:
    """What httptools calls when it reads an answer."""

    is_complete = False

    def on_message_begin(self) -> None:
        self.is_complete = False  # another one, after 100 Continue

    def on_headers_complete(self) -> None:
        self.is_complete = True


async def _status(reader: asyncio.StreamReader) -> int:
    """Read the head of an answer. Raises CallFailed for one that is no HTTP, or too long."""
    head = _Head()
    parser = httptools.HttpResponseParser(head)
    read = 0
    while read < MAX_HEAD_BYTES:
        data = await reader.read(_READ_BYTES)
        read += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserError:
            if not head.is_complete:
                raise CallFailed("protocol", "the answer is no HTTP/1.1") from None
        if head.is_complete and (status := int(parser.get_status_code())) >= 200:  # not 100 Continue
            return status
        if not data:
            break
    raise CallFailed("protocol", "the answer ended before its head was complete")
