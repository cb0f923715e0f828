"""Reads files of one folder in a bucket. Owns the client library, obstore, and nothing else.

The client finds credentials and endpoints by itself, as the clouds' own libraries do: environment variables,
the task or pod role, the instance's metadata server.
"""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from ..faults import BadModel, BadSettings
from ..manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES
from .address import Address
from .failures import fault_of

if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions
    from obstore.store import ClientConfig, RetryConfig

CHUNK_BYTES = 256 << 10
STALL_SECONDS = 20.0
CONNECT_SECONDS = 5.0
_MAX_SECONDS_PER_REQUEST = 24 * 3600
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}


@dataclass(frozen=True, slots=True)
class Opened:
    total_bytes: int
    """Size of the whole file, wherever the chunks begin."""
    chunks: AsyncIterator[bytes]


class Store:
    """One folder in a bucket. Raises Unreachable if trying again may help, and a StartFault if it cannot."""

    def __init__(
        self,
        address: Address,
        environ: Mapping[str, str] = os.environ,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._address = address
        # Unencrypted only if the requested endpoint is.
        client: ClientConfig = {
            "allow_http": endpoint(address.scheme, environ).startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=stall_seconds),
            "timeout": timedelta(seconds=_MAX_SECONDS_PER_REQUEST),
        }
        # Retries are counted in one place, `tries.py`, which also logs them.
        retry: RetryConfig = {"max_retries": 0, "retry_timeout": timedelta(seconds=60)}
        kind = S3Store if address.scheme == "s3" else GCSStore
        try:
            self._store = kind(address.bucket, client_options=client, retry_config=retry)
        except BaseError as error:
            words = str(error).partition("\n\n")[0][:300]
            raise BadSettings(f"MODEL_SOURCE {address}: the client's settings are faulty: {words}.") from None

    async def manifest(self) -> bytes:
        """Fetch the pinned manifest.json."""
        try:
            opened = await self._open(MANIFEST_FILE, {"version": self._address.pin})
            if opened.total_bytes > MAX_MANIFEST_BYTES:
                raise BadModel(
                    f"MODEL_SOURCE {self._address}: {MANIFEST_FILE} has {opened.total_bytes} bytes; "
                    f"a manifest has at most {MAX_MANIFEST_BYTES}."
                )
            return b"".join([chunk async for chunk in opened.chunks])
        except FileNotFoundError as error:
            raise fault_of(error, self._address, MANIFEST_FILE, await self._newest()) from None
        except BaseError as error:
            raise fault_of(error, self._address, MANIFEST_FILE) from None

    async def open(self, name: str, offset_bytes: int) -> Opened:
        """Open the newest version of a file, from the offset on."""
        try:
            return await self._open(name, {"range": {"offset": offset_bytes}} if offset_bytes else {})
        except (FileNotFoundError, BaseError) as error:
            raise fault_of(error, self._address, name) from None

    async def _open(self, name: str, options: "GetOptions") -> Opened:
        answer = await obstore.get_async(self._store, self._address.key(name), options=options)
        return Opened(answer.meta["size"], self._chunks(name, answer.stream(CHUNK_BYTES)))

    async def _chunks(self, name: str, stream: "BytesStream") -> AsyncIterator[bytes]:
        try:
            async for chunk in stream:
                yield chunk
        except BaseError as error:
            raise fault_of(error, self._address, name) from None

    async def _newest(self) -> str | None:
        try:
            meta = await obstore.head_async(self._store, self._address.key(MANIFEST_FILE))
        except (FileNotFoundError, BaseError):
            return None
        return meta["version"]


def endpoint(scheme: str, environ: Mapping[str, str]) -> str:
    """Return the endpoint from the environment, or ''.

    Raises BadSettings if it is no URL, at which the client would end the process.
    """
    for name in _ENDPOINTS[scheme]:
        if value := environ.get(name, ""):
            if not value.startswith(("http://", "https://")) or " " in value:
                raise BadSettings(f"{name}: got {value[:100]!r}; allowed: http:// or https:// and a host.")
            return value
    return ""
