"""Whether the nodes can pull the image that they will run: with which account, and from where. Pure."""

from collections.abc import Iterator

from ..fault import Fault
from ..google.accounts import account_email
from ..image_reference import ImageReference
from ..input_rules import image_fault
from . import names
from .spec import GkeClusterSpec

_COPY = (
    "copy it with `docker buildx imagetools create --tag <location>-docker.pkg.dev/{project}/<repository>/"
    "server {image_ref}`, and name the copy by its digest"
)


def image_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    """Yield why no node could pull the image, or that it is named twice."""
    if not spec.image_ref:
        return
    if spec.image_repository:
        allowed = "keep `image_ref` for a finished image, else `image_repository`"
        yield Fault("image_ref", "given", allowed, "together with `image_repository`")
    if fault := image_fault(spec.image_ref):
        yield fault
    elif spec.image and spec.image.ecr_repository and spec.own_cluster:
        # docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html: a login lasts 12 hours.
        reason = (
            ": the nodes of this cluster have no login to ECR, and one that they are given lasts for 12 hours"
        )
        yield Fault("image_ref", spec.image_ref, _copy(spec), reason)


def image_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    """Warn of what else the nodes need before they can pull the image."""
    if spec.repository is not None:
        yield from _grant_warnings(spec)
    elif spec.image and not spec.image.is_google:
        yield from _egress_warnings(spec, spec.image)


def _grant_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    repository = spec.repository
    assert repository is not None  # asked by the caller
    account = spec.node_service_account
    if not spec.makes_nodes:
        find = (
            f"gcloud container node-pools describe {spec.node_pool or '<pool>'} --cluster={spec.cluster} "
            f"--location={spec.location} --project={spec.project} --format='value(config.serviceAccount)'"
        )
        yield (
            f"the nodes of {spec.cluster} are their owner's: their account must be able to read "
            f"{repository.name} in the project {repository.project}. `{find}` shows it (default is Compute "
            f"Engine's), and `{repository.grant_command('<account>')}` grants it."
        )
    elif account is not None:
        email = account if isinstance(account, str) else "<account>"
        yield (
            "`node_service_account` is an existing account, whose rights are its owner's: it must be able "
            f"to read {repository.name} in the project {repository.project}: "
            f"`{repository.grant_command(email)}`."
        )
    elif spec.image and repository.project != spec.project:
        email = account_email(names.account_id(spec.name), spec.project)
        yield (
            f"the image is in the project {repository.project}, in which this stack grants nothing: unless "
            "it is public, its owner must let the nodes read it, or no pod starts: "
            f"`{repository.grant_command(email)}`. The first update makes the account before the nodes; pods "
            "that wait for their image try again by themselves."
        )


def _egress_warnings(spec: GkeClusterSpec, image: ImageReference) -> Iterator[str]:
    """Warn that private nodes reach only Google without a NAT.

    Source: docs.cloud.google.com/kubernetes-engine, private clusters.
    """
    if spec.makes_nodes and spec.private_nodes:
        yield (
            f"the image is in {image.host}, outside Google: private nodes reach it only where their network "
            f"has a Cloud NAT, and none is made here. Else {_copy(spec)}, or give the nodes public addresses "
            "(`private_nodes`: false)."
        )


def _copy(spec: GkeClusterSpec) -> str:
    return _COPY.format(project=spec.project.replace(":", "/"), image_ref=spec.image_ref)
