"""Calls Google Cloud's REST interfaces with the person's own login, as `gcloud` hands it out.

An address is replaced by the variable that gcloud itself reads for it, as private endpoints need:
cloud.google.com/sdk/docs/configurations, `api_endpoint_overrides`.
"""

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, cast

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_run_place import GCLOUD

_TIMEOUT_SECONDS = 60
_NOT_FOUND, _CONFLICT, _UNAUTHENTICATED = 404, 409, 401
# google.rpc.Code ABORTED, for an etag that is no longer the current one, is 409; so is ALREADY_EXISTS.
_PRECONDITION = 412
_SHOWN_CHARACTERS = 300


class NotFound(Failed):
    """What was asked for is not there."""


class Conflict(Failed):
    """Somebody else changed it meanwhile."""


class GoogleApi:
    """One interface. name: as gcloud's variable has it, such as `RUN`. url: its public address."""

    def __init__(self, name: str, url: str) -> None:
        self._url = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}") or url
        self._token = ""

    def __call__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: Any = None,
    ) -> dict[str, Any]:
        """Send a request. Raises NotFound, Conflict, Failed with what Google says, Refused without login."""
        if not self._token:
            self._token = _token()
        try:
            return self._sent(method, path, query, body)
        except urllib.error.HTTPError as error:
            if error.code != _UNAUTHENTICATED:
                raise _failure(error) from None
        self._token = _token()  # a token lasts an hour, and a bake may last a day
        try:
            return self._sent(method, path, query, body)
        except urllib.error.HTTPError as error:
            raise _failure(error) from None

    def _sent(self, method: str, path: str, query: Any, body: Any) -> dict[str, Any]:
        url = f"{self._url.rstrip('/')}/{path}"
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 an address of ours
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                found: Any = json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failed(f"{urllib.parse.urlsplit(url).netloc} did not answer: {error}") from None
        if not isinstance(found, dict):
            raise Failed(f"{urllib.parse.urlsplit(url).netloc} answered something other than a JSON object.")
        return cast("dict[str, Any]", found)


def _token() -> str:
    done = GCLOUD(["auth", "print-access-token"])
    if done.returncode or not done.stdout.strip():
        raise Refused(f"Google Cloud needs a login. {GCLOUD.said(done)}")
    return done.stdout.strip()


def _failure(error: urllib.error.HTTPError) -> Failed:
    text = error.read().decode(errors="replace")
    try:
        said = str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        said = text.strip() or str(error.reason)
    message = f"Google Cloud says: {said[:_SHOWN_CHARACTERS]} ({error.code})"
    kinds = {_NOT_FOUND: NotFound, _CONFLICT: Conflict, _PRECONDITION: Conflict}
    return kinds.get(error.code, Failed)(message)
