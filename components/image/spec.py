"""The arguments of `InferenceImage`, complete; rules.py checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pulumi

from ..checkout import ROOT
from ..declared import argument, read_into
from ..image_reference import ImageReference
from ..model_address import ModelAddress
from .args import Platform, Registry, Variant


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The arguments of one image. '' and None: not given. keep_images, expire_days: whole numbers."""

    name: str
    image: str = argument("")
    registry: Registry | None = argument(None)
    repository: str = argument("")
    project: pulumi.Input[str] = argument("")
    region: str = argument("")
    model: str = argument("bundled:sms-spam")
    task: str = argument("")
    variant: Variant = argument(Variant.CPU)
    ctranslate2: bool | None = argument(None)
    buckets: bool = argument(derived=lambda spec: ModelAddress.parse(spec.model).is_in_bucket)
    platform: Platform = argument(Platform.LINUX_AMD64)
    python_image: str = argument("")
    build_args: Mapping[str, str] = argument({})
    cache: bool = argument(default=True)
    provenance: bool = argument(default=False)
    builder: str = argument("")
    ca: str = argument("")
    source: Path = argument(derived=lambda _: ROOT)
    keep_images: float = argument(10)
    expire_days: float = argument(7)
    scan: bool = argument(default=True)
    force_delete: bool = argument(default=False)
    enable_apis: bool = argument(default=True)
    labels: Mapping[str, str] = argument({})

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; the arguments have the right types, but are not checked yet."""
        source = {"source": Path(args["source"])} if args.get("source") else {}
        given = {key: value for key, value in args.items() if key != "source"}
        return read_into(cls, {**given, **source}, name=name)

    @property
    def address(self) -> ModelAddress:
        """Return where the model comes from."""
        return ModelAddress.parse(self.model)

    @property
    def image_name(self) -> str:
        """Return the given image without tag and digest; '' if there is none or it names no host."""
        found = ImageReference.parse(self.image)
        return found.name if found and self.image.startswith(f"{found.host}/") else ""

    @property
    def builds(self) -> bool:
        return not self.image
