"""Who may request predictions: whoever holds the key, and on a local deployment the page of its session."""

import hmac

from starlette.types import Scope

from ..faults import KeyMissing, KeyWrong
from .page_session import Headers, PageSession

__all__ = ["Gate", "Headers"]


class Gate:
    def __init__(self, api_key: str, page_session: PageSession | None) -> None:
        self._key = api_key.encode()
        self._page_session = page_session

    def check(self, scope: Scope, headers: Headers) -> None:
        """Let a holder of the key or the page's own session pass. Raises KeyMissing or KeyWrong."""
        session = self._page_session
        if b"authorization" not in headers and session is not None and session.admits(scope, headers):
            return
        self.check_key(headers)

    def check_key(self, headers: Headers) -> None:
        """Let only a holder of the key pass. Raises KeyMissing or KeyWrong."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            raise KeyMissing("send the key as `Authorization: Bearer <key>`")
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not given.strip():
            raise KeyMissing("the Authorization header must be `Bearer <key>`")
        if not hmac.compare_digest(given.strip(), self._key):
            raise KeyWrong("the key is not the one this server was started with")
