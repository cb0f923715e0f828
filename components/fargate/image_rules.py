"""Whether a task can pull its image: with whose rights, and by which way. Pure."""

from collections.abc import Iterator

import pulumi

from ..image_reference import EcrRepository, ImageReference
from ..input_rules import image_ref_faults
from . import limits, names
from .args import Egress
from .spec import FargateSpec


def repository_arn(repository: EcrRepository) -> str:
    return (
        f"arn:{names.partition(repository.region)}:ecr:{repository.region}:{repository.account}:repository/"
        f"{repository.name}"
    )


def image_faults(spec: FargateSpec) -> Iterator[str]:
    """Yield what is no image, and what a task could not reach from subnets without a way to the internet."""
    yield from image_ref_faults(spec.image_ref)
    image = ImageReference.known(spec.image_ref)
    if image is None or not spec.own_network or spec.egress is not Egress.ENDPOINTS:
        return
    if image.ecr_repository is None or image.ecr_repository.region != spec.region:
        yield (
            f"egress is endpoints with image_ref {spec.image_ref!r}; from there is a way to ECR of "
            f"{spec.region} alone: take public-address, or an image there."
        )


def image_warnings(spec: FargateSpec) -> Iterator[str]:
    image = ImageReference.known(spec.image_ref)
    if image is None:
        return
    if image.ecr_repository:
        yield from _rights_warnings(spec, image.ecr_repository)
    elif not image.is_public:
        # docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html: by `repositoryCredentials`.
        yield (
            f"the image is in {image.host}, where the tasks have no login: only a public one is pulled. Copy "
            f"a private one to ECR of {spec.region}, which the tasks' execution role may read."
        )
    yield from _way_warnings(spec, image)


def _rights_warnings(spec: FargateSpec, repository: EcrRepository) -> Iterator[str]:
    """Across accounts both must allow it: docs.aws.amazon.com/AmazonECR, repository policies."""
    actions = " and ".join(limits.PULL_ACTIONS)
    if spec.execution_role_arn is not None:
        yield (
            f"execution_role_arn is an existing role, whose rights are its owner's: it must allow {actions} "
            f"on {repository_arn(repository)}, and {limits.LOGIN_ACTION}."
        )
    if (account := _account(spec)) and account != repository.account:
        yield (
            f"the image is in ECR of the account {repository.account}, and the service in {account}: the "
            f"policy of the repository must allow {account} {actions}, or no task starts. "
            f"`aws ecr get-repository-policy --registry-id {repository.account} --region {repository.region} "
            f"--repository-name {repository.name}` shows it."
        )


def _way_warnings(spec: FargateSpec, image: ImageReference) -> Iterator[str]:
    near = image.ecr_repository is not None and image.ecr_repository.region == spec.region
    if not spec.own_network and not spec.assign_public_ip and not near:
        yield (
            f"the image is in {image.host}, and the tasks have no public address: their subnets need a NAT "
            f"gateway to reach it, because VPC endpoints lead to ECR of {spec.region} alone."
        )


def _account(spec: FargateSpec) -> str:
    """The service's account, where an argument names it; else empty: only AWS knows it then."""
    named: tuple[pulumi.Input[str] | None, ...] = (
        *(spec.cluster_arn, spec.execution_role_arn, spec.task_role_arn),
        *(spec.certificate_arn, spec.listener_arn),
    )
    return next((arn.split(":")[4] for arn in named if isinstance(arn, str)), "")
