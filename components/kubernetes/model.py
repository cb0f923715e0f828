"""How a service on Kubernetes gets its model: in the image, fetched by an init container, or mounted."""

from collections.abc import Iterator
from typing import Any

from ..fault import Fault
from ..input_rules import served_model_faults
from ..model_address import AWS_CREDENTIALS, GOOGLE_CREDENTIALS, ModelAddress, Source
from . import limits
from .args import ModelDelivery
from .spec import KubernetesSpec

CACHE_PATH = "/var/cache/slipway"
MOUNT_PATH = "/mnt/model"
VOLUME = "model"
# docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


def environment_of(spec: KubernetesSpec) -> dict[str, str]:
    if spec.is_mounted:
        return {"MODEL_DIR": MOUNT_PATH}
    return {"MODEL_SOURCE": spec.service.model, "MODEL_CACHE_DIR": CACHE_PATH} if spec.is_fetched else {}


def annotations_of(spec: KubernetesSpec) -> dict[str, str]:
    """Return the pod's annotations; the driver's sidecar is added only to pods that have its annotation."""
    return {"gke-gcsfuse/volumes": "true"} if spec.is_mounted else {}


def volumes_of(spec: KubernetesSpec, user: int) -> list[dict[str, Any]]:
    """Return the volumes of the model. user: id of the user and group who own the files of a mount."""
    if spec.is_mounted:
        address = spec.service.address
        options = f"implicit-dirs,only-dir={address.folder},uid={user},gid={user}"
        attributes = {"bucketName": address.bucket, "mountOptions": options}
        driver = {"driver": "gcsfuse.csi.storage.gke.io", "readOnly": True, "volumeAttributes": attributes}
        return [{"name": VOLUME, "csi": driver}]
    if not spec.is_fetched:
        return []
    if spec.model_storage_class:
        return [{"name": VOLUME, "persistentVolumeClaim": {"claimName": claim_name(spec)}}]
    return [{"name": VOLUME, "emptyDir": {"sizeLimit": volume_size(spec)}}]


def mounts_of(spec: KubernetesSpec) -> list[dict[str, Any]]:
    if spec.is_mounted:
        return [{"name": VOLUME, "mountPath": MOUNT_PATH, "readOnly": True}]
    return [{"name": VOLUME, "mountPath": CACHE_PATH}] if spec.is_fetched else []


def claim_name(spec: KubernetesSpec) -> str:
    return f"{spec.name}-model"


def volume_size(spec: KubernetesSpec) -> str:
    """Return the volume's size: the model and a fifth; twice that if pods of two revisions share it."""
    return f"{_volume_mib(spec) * (2 if spec.model_storage_class else 1)}Mi"


def disk_mib(spec: KubernetesSpec) -> int:
    """Return how much of a node's disk the model of a pod takes."""
    return _volume_mib(spec) if spec.is_fetched and not spec.model_storage_class else 0


def _volume_mib(spec: KubernetesSpec) -> int:
    return max(1, round(spec.model_gib * 1.2 * 1024))


def model_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why the pods would have no model."""
    if not spec.service.model:
        return  # named by the cloud-neutral checks
    address = spec.service.address
    if spec.model_delivery is ModelDelivery.MOUNT:
        yield from _mount_faults(spec, address)
    else:
        yield from served_model_faults(address, "Kubernetes", Source.GOOGLE)
    yield from _volume_faults(spec)


def _volume_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    shared = spec.model_storage_class
    given = repr(shared) if isinstance(shared, str) else "given"
    if shared and not spec.is_fetched:
        reason = f"with `model` {spec.service.model}, which is not fetched"
        yield Fault("model_storage_class", given, "leave it out", reason)
    if shared and spec.with_kserve:
        reason = "with KServe, whose pods fetch onto their own disk"
        yield Fault("model_storage_class", given, "leave it out", reason)
    for key in ("model_gib", "image_gib"):
        gib: float = getattr(spec, key)
        if not 0 < gib <= 1024:
            yield Fault(key, f"{gib:g}", "it must be above 0 and at most 1024 GiB")


def _mount_faults(spec: KubernetesSpec, address: ModelAddress) -> Iterator[Fault]:
    if not (address.google_bucket and address.has_plain_folder):
        allowed = "only gs://<bucket>/<folder> can be mounted"
        yield Fault("model_delivery", "mount", allowed, f"with `model` {address.text!r}")
    elif address.pin:
        allowed = "leave `@<generation>` out, or set `model_delivery` to fetch"
        reason = "with `model_delivery` mount: a mounted bucket serves what it holds now"
        yield Fault("model", repr(address.text), allowed, reason)
    if not spec.on_gke:
        reason = "without `google_project`: the Cloud Storage FUSE driver is GKE's"
        yield Fault("model_delivery", "mount", "", reason, ModelDelivery.FETCH.value)


def model_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of the credentials that a model in a bucket needs."""
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    has_role = bool(spec.service_account or _ROLE_ANNOTATION in spec.service_account_annotations)
    if (
        spec.service.address.source is Source.AMAZON
        and not has_role
        and not given.issuperset(AWS_CREDENTIALS)
    ):
        yield (
            f"`model` {spec.service.model} needs AWS credentials; give {' and '.join(AWS_CREDENTIALS)} as "
            f"secrets, or on EKS a role: {_ROLE_ANNOTATION} in `service_account_annotations`."
        )
    from_google = spec.service.address.source is Source.GOOGLE
    if from_google and spec.on_gke and spec.service_account:
        yield (
            f"`model` {spec.service.model} is read as whom the `service_account` {spec.service_account} acts "
            f"as: annotate it with {limits.GOOGLE_ACCOUNT_ANNOTATION}, and let that account read the bucket."
        )
    if from_google and not spec.on_gke and not given & set(GOOGLE_CREDENTIALS):
        yield (
            f"`model` {spec.service.model} needs Google's credentials outside GKE; give "
            "GOOGLE_SERVICE_ACCOUNT_KEY as a secret."
        )
