"""The session of the page on this machine, for whoever opens a link that works once.

Every user of the machine reaches the server, and so may a proxy on it. So a request from here is not enough:
the first one must bring a token, which only a holder of the key can have requested.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping

from starlette.types import Scope

from ..settings import is_loopback

Headers = Mapping[bytes, bytes]
TOKEN = "token"  # noqa: S105 - the name of the query's field
# Links that were requested and not opened; the oldest is dropped.
MOST_LINKS = 16
# A proxy adds one of them, a browser on this machine none: RFC 7239, RFC 9110 7.6.3, and what came before.
OF_PROXIES = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
)


class PageSession:
    """Lets the page of this very process work without a key, by a cookie that only its own origin can use.

    The Host must name this machine and port, so a foreign name that resolves to 127.0.0.1 (DNS rebinding)
    gets nothing; the Origin, if a browser sends one, must be the same. Event loop's thread only.
    """

    def __init__(self, port: int) -> None:
        self._cookie = secrets.token_urlsafe(32).encode()
        self._tokens: OrderedDict[bytes, None] = OrderedDict()
        # Cookies are shared between the ports of a host: the name keeps two servers apart.
        self._name = f"slipway-page-{port}".encode()
        self._hosts = {f"{host}:{port}".encode() for host in ("127.0.0.1", "localhost", "[::1]")}

    @property
    def set_cookie(self) -> str:
        return f"{self._name.decode()}={self._cookie.decode()}; HttpOnly; SameSite=Strict; Path=/"

    def new_link(self) -> str:
        """Return path and query that open the page once, and give its browser the session."""
        token = secrets.token_urlsafe(32)
        self._tokens[token.encode()] = None
        while len(self._tokens) > MOST_LINKS:
            self._tokens.popitem(last=False)
        return f"/?{TOKEN}={token}"

    def redeems(self, token: str, scope: Scope, headers: Headers) -> bool:
        """Use up the token; return whether it was issued and not used before."""
        if not self._is_local(scope, headers):
            return False
        sent = token.encode()
        found = next((each for each in self._tokens if hmac.compare_digest(each, sent)), None)
        if found is None:
            return False
        del self._tokens[found]
        return True

    def admits(self, scope: Scope, headers: Headers) -> bool:
        return hmac.compare_digest(self._sent_cookie(headers), self._cookie) and self._is_local(
            scope, headers
        )

    def _is_local(self, scope: Scope, headers: Headers) -> bool:
        client = scope.get("client")
        host = headers.get(b"host", b"")
        return (
            client is not None
            and is_loopback(client[0])
            and host in self._hosts
            and headers.get(b"origin", b"http://" + host) == b"http://" + host
            and not any(name in headers for name in OF_PROXIES)
        )

    def _sent_cookie(self, headers: Headers) -> bytes:
        for cookie in headers.get(b"cookie", b"").split(b";"):
            name, _, value = cookie.strip().partition(b"=")
            if name == self._name:
                return value
        return b""
