"""How a service on Kubernetes gets its model: in the image, fetched by an init container, or mounted."""

from collections.abc import Iterator
from typing import Any

from ..input_rules import unpinned_fault
from . import limits
from .args import ModelDelivery
from .spec import KubernetesSpec

READER = "roles/storage.objectViewer"
CACHE_PATH = "/var/cache/slipway"
MOUNT_PATH = "/mnt/model"
VOLUME = "model"
# The image holds these; nothing is left to say.
_IN_IMAGE = ("bundled:", "hf:")
_AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_GOOGLE_NAMES = ("GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SKIP_SIGNATURE")


def bucket_of(spec: KubernetesSpec) -> str:
    """The bucket of Google's that the service reads; '' where it reads none."""
    found = limits.GS_MODEL.fullmatch(spec.service.model)
    return found["bucket"] if found else ""


def environment_of(spec: KubernetesSpec) -> dict[str, str]:
    if spec.is_mounted:
        return {"MODEL_DIR": MOUNT_PATH}
    return {"MODEL_SOURCE": spec.service.model, "MODEL_CACHE_DIR": CACHE_PATH} if spec.is_fetched else {}


def annotations_of(spec: KubernetesSpec) -> dict[str, str]:
    """On the pod: the driver's sidecar is put into pods that say so."""
    return {"gke-gcsfuse/volumes": "true"} if spec.is_mounted else {}


def volumes_of(spec: KubernetesSpec, user: int) -> list[dict[str, Any]]:
    """user: who owns a mount's files, id of user and group."""
    if spec.is_mounted:
        found = limits.GS_MODEL.fullmatch(spec.service.model)
        assert found is not None  # checked: model_faults
        options = f"implicit-dirs,only-dir={found['folder']},uid={user},gid={user}"
        attributes = {"bucketName": found["bucket"], "mountOptions": options}
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
    """Room for the model and a fifth; on a volume that all pods share, for the one before it too."""
    gib = spec.model_gib * 1.2 * (2 if spec.model_storage_class else 1)
    return f"{max(1, round(gib * 1024))}Mi"


def model_faults(spec: KubernetesSpec) -> Iterator[str]:
    model = spec.service.model
    if not model:
        return  # named by the cloud-neutral checks
    found = limits.GS_MODEL.fullmatch(model)
    if spec.model_delivery is ModelDelivery.MOUNT:
        yield from _mount_faults(spec, found is not None, bool(found and found["pin"]))
    elif found and not found["pin"]:
        yield unpinned_fault(model, found["bucket"], found["folder"])
    elif not found and not limits.S3_MODEL.fullmatch(model) and not _in_image(model):
        yield (
            f"model is {model!r}; Kubernetes takes bundled:<name> and hf:<repository> in the image, "
            "gs://<bucket>/<folder>@<generation> and s3://<bucket>/<folder>@<versionId>."
        )
    if spec.model_storage_class and not spec.is_fetched:
        yield f"model_storage_class is set with model {model!r}, which is not fetched; leave it out."
    if spec.model_storage_class and spec.with_kserve:
        yield "model_storage_class is set with KServe, whose pods fetch onto their own disk; leave it out."
    for key in ("model_gib", "image_gib"):
        gib: float = getattr(spec, key)
        if not 0 < gib <= 1024:
            yield f"{key} is {gib:g}; it must be above 0 and at most 1024 GiB."


def _in_image(model: str) -> bool:
    return any(model.startswith(kind) and len(model) > len(kind) for kind in _IN_IMAGE)


def _mount_faults(spec: KubernetesSpec, in_bucket: bool, pinned: bool) -> Iterator[str]:
    model = spec.service.model
    if not in_bucket:
        yield f"model_delivery is mount with model {model!r}; only gs://<bucket>/<folder> can be mounted."
    elif pinned:
        yield (
            f"model is {model!r} with model_delivery mount; a mounted bucket serves what it holds now: "
            "leave `@<generation>` out, or take `fetch`."
        )
    if not spec.on_gke:
        yield (
            "model_delivery is mount without `google_project`; the Cloud Storage FUSE driver is GKE's: "
            "take `fetch`."
        )


def model_warnings(spec: KubernetesSpec) -> Iterator[str]:
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if spec.service.model.startswith("s3://") and not given.issuperset(_AWS_NAMES):
        yield (
            f"model {spec.service.model} needs AWS credentials; give {' and '.join(_AWS_NAMES)} as secrets, "
            "or give the pods' ServiceAccount a role on EKS."
        )
    if spec.service.model.startswith("gs://") and not spec.on_gke and not given & set(_GOOGLE_NAMES):
        yield (
            f"model {spec.service.model} needs Google's credentials outside GKE; give "
            "GOOGLE_SERVICE_ACCOUNT_KEY as a secret."
        )
