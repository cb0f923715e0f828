"""`slipway model push`: uploads a model's folder to a bucket, and returns the address that pins it.

The manifest comes last and is created once: a folder with a manifest is complete, and never changes. A note
in the folder marks it while it is filled, so that uploads of different models do not mix. Sizes are bytes.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway.components.model import ModelFolder, model_version
from slipway.components.model_address import ModelAddress, Source
from slipway.components.model_files import wrong_contents
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.bucket import AlreadyThere, BucketFolder
from slipway.infra.model.progress import TransferProgress, megabytes

MANIFEST = "manifest.json"
# No model's file begins with a dot, and a server fetches only what the manifest lists.
NOTE = ".slipway-push.json"
_UNVERSIONED = ("", "null")


@dataclass(frozen=True, slots=True)
class Push:
    """A finished upload. address: with its pin, for the setting `model`. sent: what was uploaded now."""

    address: str
    sent: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    sent_bytes: int = 0


def destination(text: str) -> ModelAddress:
    """Read the address of a folder in a bucket, without a pin. Raises Refused."""
    address = ModelAddress.parse(text)
    if not address.is_in_bucket or not address.has_plain_folder:
        raise Refused(
            f"The address is {text!r}; it is gs://<bucket>/<folder> or s3://<bucket>/<folder>, the folder of "
            "letters, digits and any of ! _ . = + - /."
        )
    if address.pin:
        raise Refused(f"The address is {text!r}; leave `@{address.pin}` out: the upload returns the new pin.")
    return address


def push(model: ModelFolder, bucket: BucketFolder, say: Callable[[str], None]) -> Push:
    """Upload the folder and return its pinned address. Raises Refused, or Failed if it is to be repeated.

    What an earlier upload of the same files left is kept.
    """
    manifest = (model.location / MANIFEST).read_bytes()
    files = json.loads(manifest)["files"]
    _require_whole(model, files)
    existing = bucket.stat(MANIFEST)
    if existing and bucket.read(MANIFEST) != manifest:
        raise _taken(bucket, model, manifest)
    if existing is None:
        _mark(bucket, manifest)
    uploads = _Uploads(bucket, model.location, say)
    try:
        for name, file in files.items():
            uploads.bring(name, file)
    except KeyboardInterrupt:
        raise Failed("Interrupted. What was uploaded stays there: push again to go on.") from None
    _require_same_manifest(model, manifest)
    version = existing.version if existing else _publish(bucket, model, manifest)
    return Push(
        _pinned(bucket, version, manifest), tuple(uploads.sent), tuple(uploads.kept), uploads.sent_bytes
    )


@dataclass(slots=True)
class _Uploads:
    """The files of one push. sent, kept: their names."""

    bucket: BucketFolder
    folder: Path
    say: Callable[[str], None]
    sent: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])
    sent_bytes: int = 0

    def bring(self, name: str, file: dict[str, Any]) -> None:
        """Upload a file that the folder of the bucket lacks, or holds with another content."""
        stored = self.bucket.stat(name)
        if stored and (stored.size, stored.sha256) == (file["bytes"], file["sha256"]):
            self.kept.append(name)
            return
        self.say(f"Uploading {name} ({megabytes(file['bytes'])})")
        progress = TransferProgress(f"Uploading {name}", file["bytes"], self.say)
        self.bucket.upload(self.folder / name, file["sha256"], progress.add)
        self.sent.append(name)
        self.sent_bytes += file["bytes"]


def _require_whole(model: ModelFolder, files: dict[str, Any]) -> None:
    if wrong := wrong_contents(model.location, files):
        raise Refused(
            f"{model.location}: manifest.json has another sha256 of {', '.join(wrong)}. Restore the files, "
            "or make the folder anew."
        )


def _require_same_manifest(model: ModelFolder, manifest: bytes) -> None:
    if (model.location / MANIFEST).read_bytes() != manifest:
        raise Failed(
            "manifest.json changed while the model was uploaded. No manifest was uploaded, so nothing can be "
            "served from there. Push again when the folder is complete."
        )


def _mark(bucket: BucketFolder, manifest: bytes) -> None:
    """Leave the note that this manifest's files come, or find that they came before. Raises Refused."""
    digest = hashlib.sha256(manifest).hexdigest()
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        version = bucket.create(NOTE, json.dumps({"manifest": digest, "begun": begun}).encode())
    except AlreadyThere:
        _require_own(bucket, digest)
        return
    if version in _UNVERSIONED and bucket.address.source is Source.AMAZON:
        bucket.delete(NOTE)
        name = bucket.address.bucket
        raise Refused(
            f"s3://{name} keeps no versions, so nothing in it can be pinned: `aws s3api "
            f"put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled`."
        )


def _require_own(bucket: BucketFolder, digest: str) -> None:
    """Raise Refused if the note that is there is of another upload."""
    try:
        note: Any = json.loads(bucket.read(NOTE))
        other, begun = str(note["manifest"]), str(note["begun"])
    except (ValueError, KeyError, TypeError):
        other, begun = "", "an unknown time"
    if other != digest:
        raise Refused(
            f"Another model is being uploaded to {bucket.url} since {begun}. Take another folder; or, if "
            f"that upload was given up, delete {bucket.url}/{NOTE}."
        )


def _publish(bucket: BucketFolder, model: ModelFolder, manifest: bytes) -> str:
    """Create the manifest and return its version; the same one that another upload made first is as good."""
    try:
        version = bucket.create(MANIFEST, manifest)
    except AlreadyThere:
        stored = bucket.stat(MANIFEST)
        if stored is None or bucket.read(MANIFEST, stored.version) != manifest:
            raise _taken(bucket, model, manifest) from None
        version = stored.version
    bucket.delete(NOTE)
    return version


def _pinned(bucket: BucketFolder, version: str, manifest: bytes) -> str:
    """Return the address with its pin, once what a server will read there was read back."""
    address = f"{bucket.url}@{version}"
    if version in _UNVERSIONED or not ModelAddress.parse(address).is_fetchable:
        raise Refused(f"{bucket.url}/{MANIFEST} has no version that pins it: the bucket must keep versions.")
    if bucket.read(MANIFEST, version) != manifest:
        raise Failed(f"{address}: the bucket returns something else than was uploaded. Push elsewhere.")
    return address


def _taken(bucket: BucketFolder, model: ModelFolder, manifest: bytes) -> Refused:
    digest = hashlib.sha256(manifest).hexdigest()[:8]
    return Refused(
        f"{bucket.url} holds another model or version than {model_version(model.manifest)}, and a service "
        f"may start from it at any time. Take a folder of its own, such as {bucket.url}-{digest}."
    )
