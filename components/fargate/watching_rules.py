"""Checks of what watches a service with CloudWatch. Pure."""

from collections.abc import Iterator

from ..fault import Fault
from ..observability.args import Observability
from ..observability.rules import watched_faults
from ..observability.signal import Alarm
from ..observability.signals import BY_KEY
from .cloud_signals import cloud_signals
from .spec import FargateSpec


def watching_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what is wrong with the alarms that are asked for."""
    yield from watched_faults(spec.service.task, spec, tunable(spec))


def tunable(spec: FargateSpec) -> list[str]:
    """Return the signals that have a threshold in CloudWatch."""
    shown = {signal.key for signal in cloud_signals(spec)}
    return [key for key, row in BY_KEY.items() if key in shown and isinstance(row.alarm, Alarm)]


def watching_warnings(spec: FargateSpec) -> Iterator[str]:
    if spec.observability is Observability.OFF:
        return
    if not spec.alert_email:
        yield (
            "`alert_email` is not set: alarms show in CloudWatch and notify nobody, and nobody is told of a "
            "deployment that fails."
        )
    else:
        yield (
            f"AWS sends {spec.alert_email} one e-mail with a link to confirm: until somebody follows it, "
            "alarms notify nobody."
        )
