"""How a Cloud Run service gets its model: in the image, fetched at start, or from a mounted bucket."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..input_rules import unpinned_fault
from . import limits
from .args import ExecutionEnvironment
from .spec import CloudRunSpec

READER = "roles/storage.objectViewer"
MOUNT_PATH = "/mnt/model"
# The image holds these; nothing is left to say.
_IN_IMAGE = ("bundled:", "hf:")
_AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A folder of a Google Cloud Storage bucket."""

    name: str
    folder: str


def is_fetched(spec: CloudRunSpec) -> bool:
    """Whether it comes over the network at start; a start then takes longer than was measured."""
    return not spec.service.model.startswith(_IN_IMAGE)


def bucket_of(spec: CloudRunSpec) -> Bucket | None:
    """The bucket that the service reads, None where it reads none of Google's."""
    found = limits.GS_MODEL.fullmatch(spec.service.model)
    return Bucket(found["bucket"], found["folder"]) if found else None


def environment_of(spec: CloudRunSpec) -> dict[str, str]:
    if not is_fetched(spec):
        return {}
    return {"MODEL_DIR": MOUNT_PATH} if spec.model_volume else {"MODEL_SOURCE": spec.service.model}


def model_faults(spec: CloudRunSpec) -> Iterator[str]:
    model = spec.service.model
    if not model:
        return  # named by the cloud-neutral checks
    found = limits.GS_MODEL.fullmatch(model)
    if spec.model_volume:
        yield from _volume_faults(spec, found is not None, bool(found and found["pin"]))
    elif found and not found["pin"]:
        yield unpinned_fault(model, found["bucket"], found["folder"])
    elif not found and not limits.S3_MODEL.fullmatch(model) and not _in_image(model):
        yield (
            f"model is {model!r}; Cloud Run takes bundled:<name> and hf:<repository> in the image, "
            "gs://<bucket>/<folder>@<generation> and s3://<bucket>/<folder>@<versionId>."
        )


def _in_image(model: str) -> bool:
    return any(model.startswith(kind) and len(model) > len(kind) for kind in _IN_IMAGE)


def _volume_faults(spec: CloudRunSpec, in_bucket: bool, pinned: bool) -> Iterator[str]:
    model = spec.service.model
    if not in_bucket:
        yield f"model_volume is true with model {model!r}; only gs://<bucket>/<folder> can be mounted."
    elif pinned:
        yield (
            f"model is {model!r} with model_volume; a mounted bucket serves what it holds now: "
            "leave `@<generation>` out, or leave `model_volume` out."
        )
    # PGCP ServiceTemplateVolume.gcs: only in the second generation.
    if spec.execution_environment is ExecutionEnvironment.GEN1:
        yield (
            "model_volume is true in the first generation, which mounts no bucket; "
            "nearest: cpu 1 and memory_gib 0.5, or the model in the image."
        )


def model_warnings(spec: CloudRunSpec) -> Iterator[str]:
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if spec.service.model.startswith("s3://") and not given.issuperset(_AWS_NAMES):
        yield f"model {spec.service.model} needs AWS credentials; give {' and '.join(_AWS_NAMES)} as secrets."
    if is_fetched(spec) and not spec.model_volume:
        yield "files fetched at start count against `memory`: Cloud Run keeps its file system there."
