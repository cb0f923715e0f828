"""How a Fargate service gets its model: in the image, or fetched at start onto the task's own disk."""

from collections.abc import Iterator

from ..fault import Fault
from ..input_rules import served_model_faults
from ..model_address import GOOGLE_CREDENTIALS, Source
from .spec import FargateSpec

CACHE_PATH = "/var/cache/slipway"


def environment_of(spec: FargateSpec) -> dict[str, str]:
    if not spec.is_fetched:
        return {}
    return {"MODEL_SOURCE": spec.service.model, "MODEL_CACHE_DIR": CACHE_PATH}


def model_faults(spec: FargateSpec) -> Iterator[Fault]:
    if not spec.service.model:
        return  # named by the cloud-neutral checks
    yield from served_model_faults(spec.service.address, "Fargate", Source.AMAZON)


def model_warnings(spec: FargateSpec) -> Iterator[str]:
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if spec.service.address.source is Source.GOOGLE and not given & set(GOOGLE_CREDENTIALS):
        yield (
            f"`model` {spec.service.model} needs Google's credentials; give GOOGLE_SERVICE_ACCOUNT_KEY as a "
            "secret."
        )
