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
    # kubernetes.io/docs/tasks/configure-pod-container/configure-service-account: a pod has what its account
    # had when the pod was made.
    patch = f"kubectl --namespace {spec.namespace} patch serviceaccount {spec.name} --patch"
    yield (
        f"the image is in {image.host}: if it requires a login that the nodes do not have, keep one in a "
        f"Secret of the namespace (`kubectl create secret docker-registry`) and name it, `{patch} "
        """'{"imagePullSecrets": [{"name": "<secret>"}]}'`; then delete the pods that wait, as only new """
        "ones have it."
    )
