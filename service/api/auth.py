"""Who may request predictions: whoever holds a key, and on a local deployment the page of its session."""

from collections.abc import Mapping

from starlette.types import Scope

from ..callers import DEFAULT_CALLER, Callers
from ..faults import KeyMissing, KeyWrong
from .page_session import Headers, PageSession

__all__ = ["Gate", "Headers"]


class Gate:
    def __init__(self, keys: Mapping[str, str], page_session: PageSession | None) -> None:
        """Let these callers pass. keys: by the name of their holder."""
        self._callers = Callers(keys)
        self._page_session = page_session

    def check(self, scope: Scope, headers: Headers) -> str:
        """Return which caller this is; the page's own session is the default one.

        Raises KeyMissing or KeyWrong.
        """
        session = self._page_session
        if b"authorization" not in headers and session is not None and session.admits(scope, headers):
            return DEFAULT_CALLER
        return self.check_key(headers)

    def check_key(self, headers: Headers) -> str:
        """Return which caller holds the key that was sent. Raises KeyMissing or KeyWrong."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            raise KeyMissing("send the key as `Authorization: Bearer <key>`")
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not given.strip():
            raise KeyMissing("the Authorization header must be `Bearer <key>`")
        caller = self._callers.holder_of(given.strip())
        if caller is None:
            raise KeyWrong("the key is none that this server was started with")
        return caller
