"""Asks a server over HTTP for JSON, and says in one line what went wrong."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from slipway.infra.errors import Failed, Refused

TIMEOUT_SECONDS = 20
MOST_BYTES = 32 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib would send the key along, to any host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None: ...


_OPENER = urllib.request.build_opener(_NoRedirect)


def require_http(option: str, url: str) -> None:
    """Raise Refused for another address than HTTP."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused(f"{option} is {url!r}; give an address that begins with http:// or https://.")


def json_from(
    address: str,
    token: str,
    hint: Callable[[int, str], str],
    form: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON at an address of HTTP. Raises Failed.

    token: sent as a bearer's, unless it is empty. form: posted, if given. hint: returns what a status means,
    given the body of its answer.
    """
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(  # noqa: S310 - HTTP alone
        address, data, {"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(MOST_BYTES).decode(errors="replace")
        raise Failed(f"{address} answered {error.code}. {hint(error.code, said)}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise Failed(f"{address} did not answer: {getattr(reason, 'strerror', None) or reason}.") from None
    except ValueError as error:  # such as a port that is none, or a header that ends in the middle
        raise Failed(f"{address} cannot be asked: {error}.") from None
    if len(body) > MOST_BYTES:
        raise Failed(f"{address} answered with more than {MOST_BYTES >> 20} MiB.")
    try:
        return json.loads(body)
    except ValueError:
        raise Failed(f"{address} did not answer with JSON.") from None
