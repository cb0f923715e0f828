"""The arguments of `InferenceImage`, complete; rules.py checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..checkout import ROOT
from ..image_reference import ImageReference
from .args import Platform, Registry, Variant


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """'' and None: not given. keep_images, expire_days: whole numbers."""

    name: str
    image: str
    registry: Registry | None
    repository: str
    project: str
    region: str
    model: str
    task: str
    variant: Variant
    buckets: bool
    platform: Platform
    python_image: str
    build_args: Mapping[str, str]
    cache: bool
    provenance: bool
    builder: str
    ca: str
    source: Path
    keep_images: float
    expire_days: float
    scan: bool
    force_delete: bool
    enable_apis: bool
    labels: Mapping[str, str]

    @classmethod
    def filled(cls, name: str, given: Mapping[str, Any]) -> Self:
        """With the defaults; the arguments are of the right types, but not checked yet."""
        model = given.get("model", "bundled:sms-spam")
        return cls(
            name=name,
            image=given.get("image", ""),
            registry=given.get("registry"),
            repository=given.get("repository", ""),
            project=given.get("project", ""),
            region=given.get("region", ""),
            model=model,
            task=given.get("task", ""),
            variant=given.get("variant", Variant.CPU),
            buckets=given.get("buckets", model.startswith(("gs://", "s3://"))),
            platform=given.get("platform", Platform.LINUX_AMD64),
            python_image=given.get("python_image", ""),
            build_args=dict(given.get("build_args", {})),
            cache=given.get("cache", True),
            provenance=given.get("provenance", False),
            builder=given.get("builder", ""),
            ca=given.get("ca", ""),
            source=Path(given.get("source") or ROOT),
            keep_images=given.get("keep_images", 10),
            expire_days=given.get("expire_days", 7),
            scan=given.get("scan", True),
            force_delete=given.get("force_delete", False),
            enable_apis=given.get("enable_apis", True),
            labels=dict(given.get("labels", {})),
        )

    @property
    def image_name(self) -> str:
        """The given image without its tag and digest; empty where it is none, or does not name its host."""
        found = ImageReference.parse(self.image)
        return found.name if found and self.image.startswith(f"{found.host}/") else ""

    @property
    def builds(self) -> bool:
        return not self.image
