"""Which images Cloud Run can pull, and what else it needs for one of another project. Pure.

DOCS: docs.cloud.google.com/run/docs/deploying, "Supported container registries and images", and the API's own
refusal: "host is one of [region.]gcr.io, [region-]docker.pkg.dev or docker.io" (seen in 2025-10).
"""

from collections.abc import Iterator

from ..artifact_registry import ImageRepository
from ..image_reference import DOCKER_HUB, ImageReference
from ..input_rules import image_fault
from .spec import CloudRunSpec


def registry_fault(image_ref: str) -> str:
    """Return what is wrong with the registry of a reference with its digest; empty where nothing is."""
    image = ImageReference.parse(image_ref)
    if image is None or image.is_google or image.host == DOCKER_HUB:
        return ""
    return (
        f"image_ref is {image_ref!r}; Cloud Run pulls from Artifact Registry (<location>-docker.pkg.dev), "
        f"gcr.io and Docker Hub (docker.io) alone. Copy it to Artifact Registry, or make a remote repository "
        f"there that fetches from {image.host}, and name the image there."
    )


def image_faults(spec: CloudRunSpec) -> Iterator[str]:
    """Yield the fault of a plain string; an Output is checked when it is applied."""
    if isinstance(spec.image_ref, str) and (
        fault := image_fault(spec.image_ref) or registry_fault(spec.image_ref)
    ):
        yield fault


def image_warnings(spec: CloudRunSpec) -> Iterator[str]:
    image = ImageReference.known(spec.image_ref)
    if image is None:
        return
    if (repository := image.google_repository) and repository.project != spec.project:
        yield _other_project(spec, repository)
    if image.host == DOCKER_HUB:
        yield (
            "the image is on Docker Hub, where Cloud Run has no login: only a public one is pulled, within "
            "Docker Hub's limits. Copy a private one to Artifact Registry."
        )


def _other_project(spec: CloudRunSpec, repository: ImageRepository) -> str:
    """DOCS artifact-registry/docs/integrate-cloud-run: who deploys must be able to read the image too."""
    number = f"$(gcloud projects describe {spec.project} --format='value(projectNumber)')"
    agent = f"service-{number}@serverless-robot-prod.iam.gserviceaccount.com"
    return (
        f"the image is in the project {repository.project}, where nothing is granted from here: unless it is "
        f"public, its owner must let Cloud Run's service agent read it: `{repository.grant_command(agent)}`; "
        "whoever deploys needs the same role there."
    )
