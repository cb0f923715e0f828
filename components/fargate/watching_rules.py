"""Checks of what watches a service with CloudWatch. Pure."""

from collections.abc import Iterator

from ..fault import Fault
from ..observability.args import Observability
from ..observability.rules import watched_faults
from ..observability.signal import Alarm
from ..observability.signals import BY_KEY
from .cloud_signals import cloud_signals
from .collector import collector_faults, sends_metrics
from .names import metrics_group_name
from .roles import LOG_ACTIONS
from .spec import FargateSpec


def watching_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what is wrong with the alarms that are asked for."""
    yield from watched_faults(spec.service.task, spec, tunable(spec))
    yield from collector_faults(spec)


def tunable(spec: FargateSpec) -> list[str]:
    """Return the signals that have a threshold in CloudWatch."""
    shown = {signal.key for signal in cloud_signals(spec)}
    return [key for key, row in BY_KEY.items() if key in shown and isinstance(row.alarm, Alarm)]


def watching_warnings(spec: FargateSpec) -> Iterator[str]:
    if spec.observability is Observability.OFF:
        return
    if not spec.alert_email:
        yield (
            "no `alert_email`: alarms show in CloudWatch and notify nobody, and nobody hears of a deployment "
            "that fails."
        )
    else:
        yield (
            f"AWS sends {spec.alert_email} an e-mail with a link, once: until somebody there follows it, "
            "alarms notify nobody."
        )
    if sends_metrics(spec) and spec.task_role_arn is not None:
        yield (
            "`task_role_arn` is an existing role, whose rights are its owner's: for the server's metrics it "
            f"must allow {' and '.join(LOG_ACTIONS)} on the log group {metrics_group_name(spec.name)}."
        )
