"""What is assumed of one stack's use: its setting `usage`, and the throughput of its model as measured."""

from collections.abc import Mapping
from typing import Any

from slipway.components.model import model_folder
from slipway.components.model_address import ModelAddress
from slipway.infra.cost.usage import Usage, with_values
from slipway.stacks.settings.common import Settings


def usage_of(settings: Settings, given: Mapping[str, float] | None = None) -> Usage:
    """Return the assumed usage of a stack.

    given: values that go before the setting's, as from the command line.

    What was measured is a vCPU's throughput: with a GPU the time of a request is unknown until it is given.
    """
    seconds = None if getattr(settings, "gpu", "") else measured_seconds(settings.model)
    usage = Usage(request_seconds=seconds, measured=seconds is not None)
    return with_values(usage, {**settings.usage, **(given or {})})


def measured_seconds(model: str) -> float | None:
    """Return the seconds of one vCPU that a request takes, where `slipway fit --write` measured them."""
    rate = manifest_of(model).get("measured", {}).get("texts_per_second")
    return 1 / rate if rate else None


def manifest_of(model: str) -> Mapping[str, Any]:
    """Return the measurements of a model whose folder is here; nothing for any other."""
    if not ModelAddress.parse(model).is_here:
        return {}
    try:
        return model_folder("cost", model, None).manifest
    except ValueError:
        return {}
