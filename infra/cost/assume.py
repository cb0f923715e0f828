"""What is assumed of one stack's use: its setting `usage`, and the throughput of its model as measured."""

from collections.abc import Mapping
from typing import Any, Protocol

from slipway.components.model import model_folder
from slipway.infra.cost.usage import Usage, with_values


class AssumingSettings(Protocol):
    """usage: as the setting holds it."""

    @property
    def model(self) -> str: ...
    @property
    def gpu(self) -> str: ...
    @property
    def usage(self) -> Mapping[str, float]: ...


def usage_of(settings: AssumingSettings, given: Mapping[str, float] | None = None) -> Usage:
    """given: values that go before the setting's, as from the command line.

    What was measured is a vCPU's throughput: with a GPU the time of a request is unknown until it is given.
    """
    seconds = None if settings.gpu else measured_seconds(settings.model)
    usage = Usage(request_seconds=seconds, measured=seconds is not None)
    return with_values(usage, {**settings.usage, **(given or {})})


def measured_seconds(model: str) -> float | None:
    """Seconds of one vCPU that a request of one text takes, where `slipway fit --write` measured it."""
    rate = manifest_of(model).get("measured", {}).get("texts_per_second")
    return 1 / rate if rate else None


def manifest_of(model: str) -> Mapping[str, Any]:
    """Of a model that lies here; empty for any other."""
    if not model.startswith(("bundled:", "file:")):
        return {}
    try:
        return model_folder("cost", model, None).manifest
    except ValueError:
        return {}
