"""Finds out from pip's output why an installation failed. Standard library only."""

from __future__ import annotations

import os
import re
import urllib.request
from urllib.parse import urlsplit

_UNREACHABLE = r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError"


def cause_of(output: str) -> str | None:
    """Return a sentence about the cause, or None if pip's output has to speak for itself."""
    if "ProxyError" in output:
        return (
            f"pip cannot get through the proxy{_proxy()}. Correct or unset HTTPS_PROXY and HTTP_PROXY, "
            "or set PIP_PROXY."
        )
    if "No space left on device" in output:
        return "the disk is full."
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return (
            "the package index shows a certificate that this machine does not trust. If your company's proxy "
            "signs it, set PIP_CERT to the file of that proxy's certificate."
        )
    if re.search(_UNREACHABLE, output):
        return (
            "the package index cannot be reached. Check the network; behind a proxy set HTTPS_PROXY, with a "
            "mirror PIP_INDEX_URL."
        )
    return None


def _proxy() -> str:
    """Return the address of the proxy, without user and password."""
    address = os.environ.get("PIP_PROXY") or urllib.request.getproxies().get("https", "")
    host = urlsplit(address if "//" in address else "//" + address).netloc.rpartition("@")[2]
    return " " + host if host else ""
