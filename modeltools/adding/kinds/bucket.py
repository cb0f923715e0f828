"""A model that `slipway model push` uploaded; it is complete, and only fetched."""

from pathlib import Path

from ..kind import Kind

# As a path spells an address: two slashes become one.
_STARTS = ("gs:/", "s3:/")


def _recognises(source: Path) -> bool:
    return str(source).startswith(_STARTS)


def _files(source: Path) -> list[Path]:
    del source
    return []


KIND = Kind(
    "a model in a bucket, gs://<bucket>/<folder>@<generation> or s3://<bucket>/<folder>@<versionId>",
    "bucket",
    _recognises,
    _files,
)
