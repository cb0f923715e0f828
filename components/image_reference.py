"""A reference to an image by its digest: its registry and its repository there. Pure.

Which registries a target can pull from, and with whose rights, is the target's own rule.
"""

import re
from dataclasses import dataclass
from typing import Self

import pulumi

from .aws.ecr import EcrRepository
from .google.artifact_registry import ImageRepository

# github.com/distribution/reference, reference.go: a first part with a dot or a colon, or `localhost`, is the
# registry's host; without one Docker Hub is meant.
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+|localhost)"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{_HOST}(?:/{_PART})+", re.ASCII)
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/|(?![^/]*\.))(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::\w[\w.-]{0,127})?@(?P<digest>sha256:[0-9a-f]{64})",
    re.ASCII,
)
DOCKER_HUB = "docker.io"
# docs.cloud.google.com/artifact-registry/docs/docker/names
_ARTIFACT_REGISTRY = re.compile(r"(?P<location>[a-z][a-z0-9-]*)-docker\.pkg\.dev")
_GCR = re.compile(r"(?:[a-z0-9-]+\.)?gcr\.io")
# docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories: since Container Registry was shut
# down in March 2025 Artifact Registry answers for these hosts, each from a repository named for the host.
_GCR_LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
# docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+")
# docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html: everyone may pull from it.
_ECR_PUBLIC = "public.ecr.aws"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """host: the registry, `docker.io` where none is named. path: the repository. digest: `sha256:…`."""

    host: str
    path: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `[host/]path[:tag]@sha256:<64 hex digits>`; None for any other string."""
        found = _REFERENCE.fullmatch(text)
        if found is None or not (found["host"] or "/" in found["path"]):
            return None
        return cls(found["host"] or DOCKER_HUB, found["path"], found["digest"])

    @classmethod
    def known(cls, image_ref: pulumi.Input[str]) -> Self | None:
        """Read an argument; None for an Output, which is known only when it is applied."""
        return cls.parse(image_ref) if isinstance(image_ref, str) else None

    @property
    def name(self) -> str:
        """Return the image without its tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def is_artifact_registry(self) -> bool:
        return _ARTIFACT_REGISTRY.fullmatch(self.host) is not None

    @property
    def is_google(self) -> bool:
        """Return whether the host is reached on Google's own network, without access to the internet."""
        return self.is_artifact_registry or _GCR.fullmatch(self.host) is not None

    @property
    def is_public(self) -> bool:
        """Return whether the registry has only public images."""
        return self.host == _ECR_PUBLIC or (self.is_google and not self.needs_repository)

    @property
    def needs_repository(self) -> bool:
        """Return whether every image of the host is in a repository of Artifact Registry."""
        return self.is_artifact_registry or self.host in _GCR_LOCATIONS

    @property
    def google_repository(self) -> ImageRepository | None:
        """Return the repository of Artifact Registry that holds the image; None if there is none."""
        first, *rest = self.path.split("/")
        if "." in first and rest:  # a project of a domain: example.com/acme
            first, *rest = f"{first}:{rest[0]}", *rest[1:]
        if found := _ARTIFACT_REGISTRY.fullmatch(self.host):
            return ImageRepository(first, found["location"], rest[0]) if len(rest) > 1 else None
        if self.host in _GCR_LOCATIONS and rest:
            return ImageRepository(first, _GCR_LOCATIONS[self.host], self.host)
        return None

    @property
    def ecr_repository(self) -> EcrRepository | None:
        """Return the private repository of ECR that holds the image; None elsewhere."""
        found = _ECR.fullmatch(self.host)
        return EcrRepository(found["account"], found["region"], self.path) if found else None
