"""What is wrong with the head of a request that the parser lets through, by RFC 9110 and RFC 9112."""

import re
from collections.abc import Sequence

from .faults import CodingUnsupported, ExpectationFailed, MalformedHttp, RequestFault, VersionUnsupported

# RFC 9112, section 3.2, and RFC 3986, section 3.2.2: a name, an IPv4 or a bracketed IP literal, and a port.
HOST = re.compile(rb"(?:\[[0-9A-Za-z:.~_\-]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")
KNOWN_VERSIONS = ("1.1", "1.0")

HeadFault = tuple[type[RequestFault], str]


def fault_of_head(version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> HeadFault | None:
    """Return the first fault of a whole head, or None. headers: names in lower case."""
    if version not in KNOWN_VERSIONS:
        return fault_of_version(version)
    if b"#" in target:
        return MalformedHttp, "the request target has a fragment"
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not HOST.fullmatch(value):
                return MalformedHttp, "the Host header is not a host with or without a port"
        elif name == b"transfer-encoding":
            if version == "1.0":
                return MalformedHttp, "HTTP/1.0 knows no Transfer-Encoding"
            if value.strip().lower() != b"chunked":
                return CodingUnsupported, "the only transfer coding that is supported is chunked"
        elif name == b"expect" and value.lower() != b"100-continue":
            return ExpectationFailed, "the only expectation that is supported is 100-continue"
    if hosts > 1:
        return MalformedHttp, f"there are {hosts} Host headers; send one"
    if not hosts and version == "1.1":
        return MalformedHttp, "there is no Host header; HTTP/1.1 requires one"
    return None


def fault_of_version(version: str) -> HeadFault:
    """Return the fault of a version that is neither HTTP/1.1 nor HTTP/1.0."""
    return VersionUnsupported, f"HTTP/{version} is not supported; send HTTP/1.1"
