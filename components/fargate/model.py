"""How a Fargate service gets its model: in the image, or fetched at start onto the task's own disk."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import limits
from .spec import FargateSpec

CACHE_PATH = "/var/cache/slipway"
# The image holds these; nothing is left to say.
_IN_IMAGE = ("bundled:", "hf:")
_GOOGLE_NAMES = ("GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SKIP_SIGNATURE")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A folder of an S3 bucket."""

    name: str
    folder: str


def bucket_of(spec: FargateSpec) -> Bucket | None:
    """The bucket that the service reads, None where it reads none of Amazon's."""
    found = limits.S3_MODEL.fullmatch(spec.service.model)
    return Bucket(found["bucket"], found["folder"]) if found else None


def environment_of(spec: FargateSpec) -> dict[str, str]:
    if not spec.is_fetched:
        return {}
    return {"MODEL_SOURCE": spec.service.model, "MODEL_CACHE_DIR": CACHE_PATH}


def model_faults(spec: FargateSpec) -> Iterator[str]:
    model = spec.service.model
    if not model:
        return  # named by the cloud-neutral checks
    found = limits.S3_MODEL.fullmatch(model)
    if found and not found["pin"]:
        yield (
            f"model is {model!r} without a version, so the next start could serve another model; find it "
            f"with `aws s3api head-object --bucket {found['bucket']} --key {found['folder']}/manifest.json "
            "--query VersionId` and write `@<versionId>` after the folder."
        )
    elif not found and not limits.GS_MODEL.fullmatch(model) and not _in_image(model):
        yield (
            f"model is {model!r}; Fargate takes bundled:<name> and hf:<repository> in the image, "
            "s3://<bucket>/<folder>@<versionId> and gs://<bucket>/<folder>@<generation>."
        )


def _in_image(model: str) -> bool:
    return any(model.startswith(kind) and len(model) > len(kind) for kind in _IN_IMAGE)


def model_warnings(spec: FargateSpec) -> Iterator[str]:
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if spec.service.model.startswith("gs://") and not given & set(_GOOGLE_NAMES):
        yield (
            f"model {spec.service.model} needs Google's credentials; give GOOGLE_SERVICE_ACCOUNT_KEY as a "
            "secret."
        )
