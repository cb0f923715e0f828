"""How inputs are written into the database and read again, and how the same input is known."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate, pairwise

import orjson

from .job import FileInput, Input, ListInput, NewJob, OneInput

_ONE, _LIST, _FILE = "one", "list", "file"


def encoded(input: Input) -> tuple[str, bytes]:
    """Return the kind of an input and its bytes.

    A list is a line of JSON with the lengths of its bodies, then the bodies: none is parsed or escaped.
    """
    match input:
        case OneInput(body):
            return _ONE, body
        case ListInput(bodies):
            return _LIST, orjson.dumps([len(body) for body in bodies]) + b"\n" + b"".join(bodies)
        case FileInput(source, output, format):
            return _FILE, orjson.dumps({"source": source, "output": output, "format": format})


def decoded(kind: str, input: bytes) -> Input:
    """Return what `encoded` was given. Raises ValueError for anything else."""
    if kind == _ONE:
        return OneInput(input)
    if kind == _LIST:
        lengths, _, bodies = input.partition(b"\n")
        return ListInput(_cut(bodies, orjson.loads(lengths)))
    if kind == _FILE:
        return FileInput(**orjson.loads(input))
    raise ValueError(f"the input of a job is of the kind {kind!r}; allowed: {_ONE}, {_LIST}, {_FILE}")


def _cut(bodies: bytes, lengths: Sequence[int]) -> Sequence[bytes]:
    return tuple(bodies[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0)))


def size_of(input: Input) -> int | None:
    """Return the number of bodies; None for a file, which is not counted yet."""
    match input:
        case OneInput():
            return 1
        case ListInput(bodies):
            return len(bodies)
        case FileInput():
            return None


def fingerprint(job: NewJob, kind: str, input: bytes) -> bytes:
    """Return what two jobs with one idempotency key must have in common."""
    digest = hashlib.sha256(f"{job.route}\n{kind}\n".encode())
    digest.update(input)
    return digest.digest()
