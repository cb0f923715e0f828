"""The repository of an image: one that is created here, or an existing one.

Tags can be moved in both clouds: a service names its image by digest, so that a moved tag changes nothing
that runs, while an immutable one would refuse a build that is repeated after an interruption.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from .args import Registry
from .spec import ImageSpec

if TYPE_CHECKING:
    from pulumi_gcp.artifactregistry import RepositoryCleanupPolicyArgsDict

# Packages of one Artifact Registry repository. Policies go by prefix: neither may be the start of the other.
IMAGE, CACHE = "server", "cache"
TAG_PREFIX = "build-"
# Of the tag of an image that a kept release runs.
RELEASE_PREFIX = "release-"
_MOST_RELEASES = 100
_CACHE_TAG = "cache"
# With provenance a build pushes an index, the image and the attestation, and each counts as a version.
_VERSIONS_WITH_PROVENANCE = 3


@dataclass(frozen=True, slots=True)
class Repository:
    address: pulumi.Input[str]
    """Name of the image, without tag and digest."""
    cache_ref: pulumi.Input[str]
    """Where the layer cache lies."""
    made: list[pulumi.Resource]
    """What must be there before the first push."""


def repository_of(spec: ImageSpec, opts: pulumi.ResourceOptions) -> Repository:
    if spec.registry is Registry.ARTIFACT_REGISTRY:
        return _artifact_registry(spec, opts)
    if spec.registry is Registry.ECR:
        return _ecr(spec, opts)
    address = spec.repository or spec.image_name
    return Repository(address, f"{address}:{_CACHE_TAG}", [])


def _artifact_registry(spec: ImageSpec, opts: pulumi.ResourceOptions) -> Repository:
    import pulumi_gcp as gcp

    enabled = _apis(spec, opts) if spec.enable_apis else []
    repository = gcp.artifactregistry.Repository(
        f"{spec.name}-repository",
        project=spec.project,
        location=spec.region,
        repository_id=spec.name,
        format="DOCKER",
        description="Images of the Slipway inference server",
        labels=dict(spec.labels),
        cleanup_policies=_cleanup_policies(spec),
        cleanup_policy_dry_run=False,
        vulnerability_scanning_config={"enablement_config": "INHERITED" if spec.scan else "DISABLED"},
        deletion_policy="DELETE" if spec.force_delete else "PREVENT",
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=enabled), _moved(spec))
        ),
    )
    host = _artifact_host(spec)
    address, cache = (pulumi.Output.concat(host, f"/{name}") for name in (IMAGE, f"{CACHE}:{_CACHE_TAG}"))
    return Repository(address, cache, [repository])


def _apis(spec: ImageSpec, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Enable the API of the repository, after that of projects, which its enabling needs."""
    import pulumi_gcp as gcp

    from ..google.apis import PROJECTS_API

    first = gcp.projects.Service(
        f"{spec.name}-cloudresourcemanager-api",
        project=spec.project,
        service=PROJECTS_API,
        disable_on_destroy=False,
        opts=opts,
    )
    after = pulumi.ResourceOptions(depends_on=[first])
    registry = gcp.projects.Service(
        f"{spec.name}-api",
        project=spec.project,
        service="artifactregistry.googleapis.com",
        disable_on_destroy=False,
        opts=pulumi.ResourceOptions.merge(opts, after),
    )
    return [first, registry]


def _moved(spec: ImageSpec) -> pulumi.ResourceOptions:
    """Return the options of a repository, whose name is free for a move back only once it is deleted.

    One that the cloud would not delete is refused in the preview, before anything else moves.
    """
    return pulumi.ResourceOptions(delete_before_replace=True, protect=not spec.force_delete)


def _artifact_host(spec: ImageSpec) -> pulumi.Output[str]:
    """Return the repository's address; a domain-scoped project, `example.com:acme`, becomes a path in it."""
    path = pulumi.Output.from_input(spec.project).apply(lambda project: project.replace(":", "/"))
    return pulumi.Output.concat(f"{spec.region}-docker.pkg.dev/", path, f"/{spec.name}")


def _cleanup_policies(spec: ImageSpec) -> "list[RepositoryCleanupPolicyArgsDict]":
    """Return policies to keep and to delete; keep wins over delete, and deletes nothing by itself.

    docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview
    """
    versions = _VERSIONS_WITH_PROVENANCE if spec.provenance else 1
    age = f"{int(spec.expire_days) * 86400}s"
    return [
        {
            "id": "keep-newest",
            "action": "KEEP",
            "most_recent_versions": {
                "keep_count": int(spec.keep_images) * versions,
                "package_name_prefixes": [IMAGE],
            },
        },
        {
            "id": "delete-untagged",
            "action": "DELETE",
            "condition": {"tag_state": "UNTAGGED", "older_than": age},
        },
        {
            "id": "delete-old",
            "action": "DELETE",
            "condition": {"tag_state": "TAGGED", "older_than": age, "package_name_prefixes": [IMAGE]},
        },
    ]


def _ecr(spec: ImageSpec, opts: pulumi.ResourceOptions) -> Repository:
    import pulumi_aws as aws

    repository = aws.ecr.Repository(
        f"{spec.name}-repository",
        name=spec.name,
        region=spec.region,
        image_tag_mutability="MUTABLE",
        image_scanning_configuration={"scan_on_push": spec.scan},
        force_delete=spec.force_delete,
        tags=dict(spec.labels),
        opts=pulumi.ResourceOptions.merge(opts, _moved(spec)),
    )
    aws.ecr.LifecyclePolicy(
        f"{spec.name}-lifecycle",
        region=spec.region,
        repository=repository.name,
        policy=json.dumps({"rules": _lifecycle_rules(spec)}),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )
    address = repository.repository_url
    return Repository(address, pulumi.Output.concat(address, ":", _CACHE_TAG), [repository])


def _lifecycle_rules(spec: ImageSpec) -> list[dict[str, object]]:
    """Return the rules in ascending priority, as ECR returns them: another order would show as a change.

    What one rule is about by its tags, no later rule expires. An index's own images have no tag, but stay
    with it (ECR's failure code ImageReferencedByManifestList).
    docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    """
    return [
        {
            "rulePriority": 1,
            "description": f"Expire what has no tag after {spec.expire_days:g} days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": int(spec.expire_days),
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "Keep the images of releases",
            "selection": {
                "tagStatus": "tagged",
                "tagPrefixList": [RELEASE_PREFIX],
                "countType": "imageCountMoreThan",
                "countNumber": _MOST_RELEASES,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 3,
            "description": f"Keep the newest {spec.keep_images:g} images",
            "selection": {
                "tagStatus": "tagged",
                "tagPrefixList": [TAG_PREFIX],
                "countType": "imageCountMoreThan",
                "countNumber": int(spec.keep_images),
            },
            "action": {"type": "expire"},
        },
    ]
