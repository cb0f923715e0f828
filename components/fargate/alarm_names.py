"""Names of a service's CloudWatch alarms, by the key of the signal that each watches. Pure.

The names stay as they are: a deployment names the alarms that take it back, and CloudWatch knows an alarm by
its name, which is unique in a region.
"""

from ..observability.signal import Severity

# botocore 1.44.5, cloudwatch AlarmName
NAME_CHARACTERS = 255


def alarm_name(service: str, key: str, severity: Severity) -> str:
    """Return the name of the alarm of a signal. key: the signal's, such as `availability`."""
    return f"{service}-{key}-{severity.value}"


def burn_name(service: str, key: str, window: str) -> str:
    """Return the name of the alarm of an objective's budget. window: the long one, such as `6h`."""
    return f"{service}-{key}-budget-{window}"


def share_name(service: str, key: str, window: str) -> str:
    """Return the name of the alarm of one window, which only the alarm of a budget reads."""
    return f"{service}-{key}-share-{window}"
