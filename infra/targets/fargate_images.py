"""Keeps the images of a Fargate stack's releases, which the cleanup of its repository would delete by age.

The image of a release that served has a tag of its own, and the repository's rules leave what has one alone:
docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies. Tagging is putting the same manifest again:
docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.
"""

from collections.abc import Iterator, Sequence

from slipway.components.image.registry import RELEASE_PREFIX
from slipway.components.image_reference import ImageReference
from slipway.infra.errors import Failed
from slipway.infra.plan.run import Plan
from slipway.infra.resources.aws import ECR_REPOSITORY
from slipway.infra.resources.reading import at
from slipway.infra.targets.fargate_cli import AWS, FargatePlace, answer, objects_at
from slipway.infra.targets.fargate_deployments import TaskRelease, kept_tasks, revision_of

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MOST_DELETED = 100


def keep_image(plan: Plan, place: FargatePlace, serving: TaskRelease) -> None:
    """Tag the image of a release, and forget those of releases that are no longer kept. Raises Failed.

    An image that is not in the stack's own repository is left alone.
    """
    image = ImageReference.parse(serving.image)
    repository = image.ecr_repository if image else None
    own = {each.inputs.get("name") for each in plan.resources if each.type == ECR_REPOSITORY}
    if image is None or repository is None or repository.name not in own:
        return
    where = ["--registry-id", repository.account, "--repository-name", repository.name]
    _tag(place, where, image.digest, f"{RELEASE_PREFIX}{serving.name}")
    kept = {revision_of(serving.arn), *map(revision_of, kept_tasks(place))}
    if old := [tag for tag in _tags(place, where) if tag.removeprefix(RELEASE_PREFIX) not in kept]:
        ids = [f"imageTag={tag}" for tag in old[:_MOST_DELETED]]
        answer(place, ["ecr", "batch-delete-image", *where, "--image-ids", *ids])


def _tag(place: FargatePlace, where: Sequence[str], digest: str, tag: str) -> None:
    asked = ["ecr", "batch-get-image", *where, "--image-ids", f"imageDigest={digest}"]
    found = objects_at(answer(place, [*asked, "--accepted-media-types", *_MANIFESTS]), "images")
    manifest = at(found, 0, "imageManifest")
    if not manifest:
        raise Failed(f"the image {digest[:19]} is not in its repository")
    put = ["ecr", "put-image", *where, "--image-tag", tag, "--image-manifest", str(manifest)]
    if media := at(found, 0, "imageManifestMediaType"):
        put += ["--image-manifest-media-type", str(media)]
    done = AWS([*put, "--region", place.region, "--output", "json"])
    if done.returncode and "ImageAlreadyExistsException" not in done.stderr:
        raise Failed(AWS.said(done))


def _tags(place: FargatePlace, where: Sequence[str]) -> Iterator[str]:
    listed = answer(place, ["ecr", "list-images", *where, "--filter", "tagStatus=TAGGED"])
    tags = (str(each.get("imageTag", "")) for each in objects_at(listed, "imageIds"))
    return (tag for tag in tags if tag.startswith(RELEASE_PREFIX))
