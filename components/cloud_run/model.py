"""How a Cloud Run service gets its model: in the image, fetched at start, or from a mounted bucket."""

from collections.abc import Iterator

from ..fault import Fault
from ..input_rules import served_model_faults
from ..model_address import AWS_CREDENTIALS, ModelAddress, Source
from ..sizes import MIB_OF_A_GIB
from .args import ExecutionEnvironment
from .limits import GEN2_MIB
from .spec import CloudRunSpec

MOUNT_PATH = "/mnt/model"


def is_fetched(spec: CloudRunSpec) -> bool:
    """Return whether the model is downloaded or mounted at start, which then takes longer than measured."""
    return spec.service.address.is_in_bucket


def environment_of(spec: CloudRunSpec) -> dict[str, str]:
    if not is_fetched(spec):
        return {}
    return {"MODEL_DIR": MOUNT_PATH} if spec.model_volume else {"MODEL_SOURCE": spec.service.model}


def model_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    if not spec.service.model:
        return  # named by the cloud-neutral checks
    address = spec.service.address
    if spec.model_volume:
        yield from _volume_faults(spec, address)
    else:
        yield from served_model_faults(address, "Cloud Run", Source.GOOGLE)


def _volume_faults(spec: CloudRunSpec, address: ModelAddress) -> Iterator[Fault]:
    if not address.google_bucket:
        reason = f"with `model` {address.text!r}"
        yield Fault("model_volume", "true", "only gs://<bucket>/<folder> can be mounted", reason)
    elif address.pin:
        allowed = "a mounted bucket serves what it holds now: leave `@<generation>` or `model_volume` out"
        yield Fault("model", repr(address.text), allowed, "with `model_volume`")
    # PGCP ServiceTemplateVolume.gcs: only in the second generation.
    if spec.execution_environment is ExecutionEnvironment.GEN1:
        least = GEN2_MIB / MIB_OF_A_GIB
        allowed = (
            f"take at least `cpu` 1 and `memory_gib` {least:g} GiB, without `execution_environment`, or the "
            "model in the image"
        )
        yield Fault("model_volume", "true", allowed, "in the first generation, which mounts no bucket")


def model_warnings(spec: CloudRunSpec) -> Iterator[str]:
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if spec.service.address.source is Source.AMAZON and not given.issuperset(AWS_CREDENTIALS):
        names = " and ".join(AWS_CREDENTIALS)
        yield f"model {spec.service.model} needs AWS credentials; give {names} in `secrets`."
    if is_fetched(spec) and not spec.model_volume:
        yield "files fetched at start count against `memory_gib`: Cloud Run keeps its file system there."
