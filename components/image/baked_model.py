"""The model that goes into the image: the files of its folder, and why some folder cannot go there.

A bundled model is a folder like any other. Reads files only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..fault import ArgumentsError, Fault
from ..model import ModelFolder, model_folder
from ..model_address import Source
from ..model_files import wrong_contents
from .spec import ImageSpec

# The Dockerfile's own default, for an image whose model comes from elsewhere.
DEFAULT_MODEL = "bundled:sms-spam"
# Larger ones are fetched at start. A build copies its model three times and pushes it with the cache, and
# Fargate pulls the whole image at each start: at 100 MB/s, 2 GiB take 20 s.
MAX_BAKED_GIB = 2.0
_CARD = "README.md"


@dataclass(frozen=True, slots=True)
class BakedModel:
    """A model in an image. name: of its folder there. location: on this machine, absolute."""

    name: str
    location: Path
    manifest: Mapping[str, Any]

    @property
    def files(self) -> dict[str, Path]:
        """Return the manifest, the files that it lists and its card; nothing else from the folder."""
        names = ["manifest.json", *self.manifest["files"]]
        card = [_CARD] if (self.location / _CARD).is_file() else []
        return {name: self.location / name for name in (*names, *card)}

    @property
    def version(self) -> str:
        return f"{self.manifest['name']}-{self.manifest['version']}"


def baked_model(spec: ImageSpec) -> BakedModel | None:
    """Return the model that the image is built with; None for one that is imported from the Hub.

    An image whose model is in a bucket holds the Dockerfile's default. Raises ArgumentsError.
    """
    if spec.address.source is Source.HUB:
        return None
    source = spec.model if spec.address.is_here else DEFAULT_MODEL
    folder = model_folder(spec.name, source, None, spec.source)
    is_bundled = source.startswith(Source.BUNDLED.value)
    name = folder.location.name if is_bundled else folder.manifest["name"]
    return BakedModel(name, folder.location, folder.manifest)


def baking_faults(spec: ImageSpec) -> Iterator[Fault]:
    """Yield why the folder that `model` names cannot be put into an image."""
    try:
        folder = model_folder(spec.name, spec.model, None, spec.source)
    except ArgumentsError as error:
        yield from error.faults
        return
    if folder.size_gib > MAX_BAKED_GIB:
        yield _too_large(spec.model, folder)
    elif wrong := wrong_contents(folder.location, folder.manifest["files"]):
        reason = f", whose manifest.json has another sha256 of {', '.join(wrong)}"
        yield Fault("model", repr(spec.model), "restore the files, or make the folder anew", reason)


def _too_large(model: str, folder: ModelFolder) -> Fault:
    allowed = (
        f"an image takes {MAX_BAKED_GIB:g} GiB: upload it with `slipway model push {folder.path} "
        "gs://<bucket>/<folder>`, or to s3://<bucket>/<folder>, and give the address that this prints"
    )
    return Fault("model", repr(model), allowed, f", which has {folder.size_gib:.2f} GiB")
