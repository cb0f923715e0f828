"""Who may ask for predictions: whoever holds the key, and on a local deployment the page served at /."""

import hmac
import secrets
from collections.abc import Mapping

from starlette.types import Scope

from ..faults import KeyMissing, KeyWrong
from ..settings import is_loopback

Headers = Mapping[bytes, bytes]


class PageSession:
    """Lets the page of this very process go without a key, by a cookie that only its own origin can use.

    The Host must name this machine and port, so a foreign name that resolves to 127.0.0.1 (DNS rebinding)
    gets nothing; the Origin, where a browser sends one, must be the same.
    """

    def __init__(self, port: int) -> None:
        self._token = secrets.token_urlsafe(32).encode()
        # Cookies are shared between the ports of a host: the name keeps two servers apart.
        self._name = f"slipway-page-{port}".encode()
        self._hosts = {f"{host}:{port}".encode() for host in ("127.0.0.1", "localhost", "[::1]")}

    @property
    def set_cookie(self) -> str:
        return f"{self._name.decode()}={self._token.decode()}; HttpOnly; SameSite=Strict; Path=/"

    def is_local(self, scope: Scope, headers: Headers) -> bool:
        client = scope.get("client")
        host = headers.get(b"host", b"")
        return (
            client is not None
            and is_loopback(client[0])
            and host in self._hosts
            and headers.get(b"origin", b"http://" + host) == b"http://" + host
        )

    def admits(self, scope: Scope, headers: Headers) -> bool:
        return hmac.compare_digest(self._sent_token(headers), self._token) and self.is_local(scope, headers)

    def _sent_token(self, headers: Headers) -> bytes:
        for cookie in headers.get(b"cookie", b"").split(b";"):
            name, _, value = cookie.strip().partition(b"=")
            if name == self._name:
                return value
        return b""


class Gate:
    def __init__(self, api_key: str, page_session: PageSession | None) -> None:
        self._key = api_key.encode()
        self._page_session = page_session

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raises KeyMissing or KeyWrong."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            if self._page_session is not None and self._page_session.admits(scope, headers):
                return
            raise KeyMissing("send the key as `Authorization: Bearer <key>`")
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not given.strip():
            raise KeyMissing("the Authorization header must be `Bearer <key>`")
        if not hmac.compare_digest(given.strip(), self._key):
            raise KeyWrong("the key is not the one this server was started with")
