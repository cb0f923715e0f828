"""Addresses of inputs and outputs: which are buckets', and whether one lies inside another."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from .faults import BatchRefused

if TYPE_CHECKING:
    from .bucket import Bucket

_BUCKET = re.compile(r"(s3|gs)://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?", re.DOTALL)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def is_bucket(address: str) -> bool:
    """Return whether it is a bucket's. Raises BatchRefused for a scheme that is neither that nor `file`."""
    if address.startswith(("s3://", "gs://")):
        return True
    if _SCHEME.match(address) and not address.startswith("file:///"):
        raise BatchRefused(
            f"{address} is no address that a batch reads or writes; allowed are a path, file:///…, s3:// and gs://."
        )
    return False


def bucket_of(address: str) -> "tuple[Bucket, str]":
    """Return the bucket and the key or prefix of an address in it. Raises BatchRefused."""
    found = _BUCKET.fullmatch(address)
    if found is None:
        raise BatchRefused(
            f"{address} is no address in a bucket; give gs://bucket/folder or s3://bucket/folder."
        )
    try:
        from .bucket import Bucket
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise BatchRefused(
            f"{address} is in a bucket, but obstore, which reads and writes it, is not installed. Build the "
            "image with --build-arg BUCKETS=1, or install service/requirements-buckets.txt."
        ) from None
    return Bucket(found[1], found[2]), found[3] or ""


def refuse_overlap(read: str, files: list[str], written: str) -> None:
    """Raise BatchRefused if the output lies inside the input, or files of the input inside the output.

    files: their whole addresses.
    """
    target = _parts(written)
    inside = next((each for each in files if _parts(each)[: len(target)] == target), None)
    if inside is not None:
        raise BatchRefused(f"The output {written} holds a file of the input, {inside}. Take another folder.")
    root = _parts(read)
    if target[: len(root)] == root:
        raise BatchRefused(
            f"The output {written} lies inside the input {read}, and the next run would read it. Take a "
            "folder outside of it."
        )


def _parts(address: str) -> tuple[str, ...]:
    if is_bucket(address):
        return tuple(part for part in address.split("/") if part)
    return Path(address.removeprefix("file://")).expanduser().resolve().parts
