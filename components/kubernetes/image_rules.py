"""Warnings about how the cluster's nodes get the image. Pure."""

from collections.abc import Iterator

from ..image_reference import ImageReference
from .spec import KubernetesSpec


def image_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn if the nodes may need a login. Nodes of GKE have one to Google's registries."""
    image = ImageReference.known(spec.image_ref)
    if image is None or image.is_public or (spec.on_gke and image.is_google):
        return
    if image.ecr_repository:
        # docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html and registry_auth.html
        yield (
            f"the image is in ECR of the account {image.ecr_repository.account}: nodes of EKS pull it by "
            "their role, others need a kubelet credential provider, because a login lasts for 12 hours."
        )
        return
    if not spec.image_pull_secrets:
        yield (
            f"the image is in {image.host}: if it requires a login that the nodes do not have, keep one in a "
            f"Secret of the namespace (`kubectl --namespace {spec.namespace} create secret docker-registry`) "
            "and name it in `image_pull_secrets`."
            + (" Create the namespace first, with `create_namespace` false." if spec.create_namespace else "")
        )
