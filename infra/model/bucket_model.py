"""Fetches a model from a bucket to this machine with the person's own login, checked against its manifest.

The servers of a cloud stack fetch it themselves: service/sources. Sizes are bytes.
"""

from collections.abc import Callable
from pathlib import Path

from slipway.components.fault import ArgumentsError
from slipway.components.model import ModelFolder, checked_manifest
from slipway.components.model_address import ModelAddress
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.bucket import BucketFolder, bucket_folder
from slipway.infra.model.progress import TransferProgress, megabytes

MANIFEST = "manifest.json"
Say = Callable[[str], None]


def described_in_bucket(source: str) -> ModelFolder:
    """Return what the pinned manifest says; no other file is fetched. Raises Refused or Failed."""
    return _described(source, _opened(source))[0]


def fetched_from_bucket(source: str, folder: Path, say: Say) -> ModelFolder:
    """Fill `folder`, which is there and empty, with the model. Raises Refused or Failed."""
    bucket = _opened(source)
    model, manifest = _described(source, bucket)
    for name, file in model.manifest["files"].items():
        size = int(file["bytes"])
        say(f"Fetching {name} ({megabytes(size)})")
        progress = TransferProgress(f"Fetching {name}", size, say)
        if bucket.download(name, folder / name, progress.add) != file.get("sha256"):
            raise Failed(
                f"{source}: {name} is not the file that its manifest.json describes: it was changed after "
                "the upload. Push the model again, to a folder of its own."
            )
    (folder / MANIFEST).write_bytes(manifest)
    return ModelFolder(str(folder), model.digest, model.manifest, folder)


def _opened(source: str) -> BucketFolder:
    """Open the folder of a pinned address. Raises Refused, with the newest pin, if it has none."""
    address = ModelAddress.parse(source)
    if not address.has_plain_folder:
        raise Refused(
            f"The address is {source[:200]!r}; it is gs://<bucket>/<folder>@<generation> or "
            "s3://<bucket>/<folder>@<versionId>."
        )
    bucket = bucket_folder(address)
    if not address.pin:
        newest = bucket.stat(MANIFEST)
        if newest is None:
            raise Refused(f"{bucket.url} has no {MANIFEST}: `slipway model push` uploads a model there.")
        raise Refused(
            f"{bucket.url} names no version of the model; the newest is {bucket.url}@{newest.version}."
        )
    return bucket


def _described(source: str, bucket: BucketFolder) -> tuple[ModelFolder, bytes]:
    content = bucket.fetch(MANIFEST, bucket.address.pin)
    try:
        return ModelFolder("", "", checked_manifest("model", source, content)), content
    except ArgumentsError as error:
        raise Refused(str(error)) from None
