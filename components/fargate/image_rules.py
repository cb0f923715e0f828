"""Whether a task can pull its image: with which rights, and over which network path. Pure."""

from collections.abc import Iterator

import pulumi

from ..aws.ecr import EcrRepository
from ..aws.limits import LOGIN_ACTION, PULL_ACTIONS
from ..fault import Fault
from ..image_reference import ImageReference
from ..input_rules import image_ref_faults
from .args import Egress
from .spec import FargateSpec


def image_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield why the image is not valid, or cannot be reached from subnets without access to the internet."""
    yield from image_ref_faults(spec.image_ref)
    image = ImageReference.known(spec.image_ref)
    if image is None or not spec.own_network or spec.egress is not Egress.ENDPOINTS:
        return
    if image.ecr_repository is None or image.ecr_repository.region != spec.region:
        allowed = (
            f"from there only ECR of {spec.region} can be reached: take public-address, or an image there"
        )
        yield Fault("egress", spec.egress.value, allowed, f"with `image_ref` {spec.image_ref!r}")


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
    """Warn of rights that others must grant; across accounts both sides must allow the pull.

    Source: docs.aws.amazon.com/AmazonECR, repository policies.
    """
    actions = " and ".join(PULL_ACTIONS)
    if spec.execution_role_arn is not None:
        yield (
            "`execution_role_arn` is an existing role, whose rights are its owner's: it must allow "
            f"{actions} on {repository.arn}, and {LOGIN_ACTION}."
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
    """Return the account of the service if an argument contains it, else '': then only AWS knows it."""
    named: tuple[pulumi.Input[str] | None, ...] = (
        *(spec.cluster_arn, spec.execution_role_arn, spec.task_role_arn),
        *(spec.certificate_arn, spec.listener_arn),
    )
    return next((arn.split(":")[4] for arn in named if isinstance(arn, str)), "")
