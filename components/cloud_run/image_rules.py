"""Which images Cloud Run can pull, and what else it needs for an image of another project. Pure.

DOCS: docs.cloud.google.com/run/docs/deploying, "Supported container registries and images", and the API's own
refusal: "host is one of [region.]gcr.io, [region-]docker.pkg.dev or docker.io" (seen in 2025-10).
"""

from collections.abc import Iterator

from ..fault import Fault
from ..google.artifact_registry import ImageRepository
from ..image_reference import DOCKER_HUB, ImageReference
from ..input_rules import image_fault
from .spec import CloudRunSpec


def registry_fault(image_ref: str) -> Fault | None:
    """Return why Cloud Run cannot pull from the registry of a reference with its digest; None if it can."""
    image = ImageReference.parse(image_ref)
    if image is None or image.is_google or image.host == DOCKER_HUB:
        return None
    allowed = (
        "Cloud Run pulls from Artifact Registry (<location>-docker.pkg.dev), gcr.io and Docker Hub "
        "(docker.io) only. Copy it to Artifact Registry, or make a remote repository there that fetches "
        f"from {image.host}, and name the image there"
    )
    return Fault("image_ref", repr(image_ref), allowed)


def image_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield what is wrong with `image_ref` if it is a plain string; an Output is checked at apply time."""
    if isinstance(spec.image_ref, str) and (
        fault := image_fault(spec.image_ref) or registry_fault(spec.image_ref)
    ):
        yield fault


def image_warnings(spec: CloudRunSpec) -> Iterator[str]:
    image = ImageReference.known(spec.image_ref)
    if image is None:
        return
    repository, project = image.google_repository, spec.project
    if repository and isinstance(project, str) and repository.project != project:
        yield _other_project(project, repository)
    if image.host == DOCKER_HUB:
        yield (
            "the image is on Docker Hub, where Cloud Run has no login: only a public one is pulled, within "
            "Docker Hub's limits. Copy a private one to Artifact Registry."
        )


def _other_project(project: str, repository: ImageRepository) -> str:
    """Return the warning for an image of another project.

    DOCS artifact-registry/docs/integrate-cloud-run: whoever deploys must be able to read the image too.
    """
    number = f"$(gcloud projects describe {project} --format='value(projectNumber)')"
    agent = f"service-{number}@serverless-robot-prod.iam.gserviceaccount.com"
    return (
        f"the image is in the project {repository.project}, in which this stack grants nothing: unless it is "
        f"public, its owner must let Cloud Run's service agent read it: `{repository.grant_command(agent)}`; "
        "whoever deploys needs the same role there."
    )
