"""The addresses of files that a job may name: below prefixes that the service names, and nowhere else.

An address is compared as it is written, so it must have one form only: no empty, `.` or `..` part. What a
link in a folder leads to is checked when the file is opened (folders.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_BUCKET = re.compile(
    r"(?P<scheme>gs|s3)://(?P<place>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/(?P<key>.+)", re.DOTALL
)
_FOLDER = re.compile(r"(?P<scheme>file):(?:///|/(?!/))(?P<place>)(?P<key>.+)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
# Of S3 and Cloud Storage, in UTF-8; a path on Linux may have 4096.
_MAX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class FileAddress:
    """Where a file is. scheme: `gs`, `s3` or `file`. place: the bucket, '' of a folder. key: below that."""

    scheme: str
    place: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address. Raises ValueError with what is wrong, as the end of a sentence about it."""
        found = _BUCKET.fullmatch(text) or _FOLDER.fullmatch(text)
        if found is None:
            raise ValueError(
                "is no address of a file, such as gs://bucket/key, s3://bucket/key or file:/path"
            )
        key = found["key"]
        if {"", ".", ".."} & set(key.split("/")):
            raise ValueError("has an empty part, `.` or `..` in its path, or ends in a slash")
        if _FORBIDDEN.search(key):
            raise ValueError("has a control character or a backslash in its path")
        if len(key.encode()) > _MAX_KEY_BYTES:
            raise ValueError(f"has more than {_MAX_KEY_BYTES} bytes in its path")
        return cls(found["scheme"], found["place"], key)

    def __str__(self) -> str:
        return f"file:/{self.key}" if self.scheme == "file" else f"{self.scheme}://{self.place}/{self.key}"


class Prefixes:
    """The prefixes of one service."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        """Allow what is below these. prefixes: each with a slash at its end."""
        self._prefixes = tuple(prefixes)

    def prefix_of(self, address: FileAddress) -> str | None:
        """Return the prefix that the address is below; None if it is below none."""
        return next((each for each in self._prefixes if str(address).startswith(each)), None)

    def fault(self, text: str) -> str:
        """Return what is wrong with an address, as the end of a sentence about it; '' if nothing is."""
        if not self._prefixes:
            return "is an address of a file, and this service takes none (JOBS_FILE_PREFIXES)"
        try:
            address = FileAddress.parse(text)
        except ValueError as error:
            return str(error)
        if self.prefix_of(address) is None:
            return f"is not below a prefix of this service; allowed: {', '.join(self._prefixes)}"
        return ""
