"""The arguments by which a service is watched, as every cloud's component takes them."""

from collections.abc import Mapping
from enum import Enum
from typing import NotRequired, Protocol

from ..spec import InferenceServiceArgs
from .watch import AlarmThresholds, ServiceObjective


class Observability(Enum):
    """What the cloud's own monitoring shows of a service, and what it raises alarms for."""

    OFF = "off"
    """Nothing beyond what the cloud always measures: no dashboard, no alarm."""
    BASIC = "basic"
    """A dashboard, an objective and alarms, on what the platform measures."""
    FULL = "full"
    """The same, and the server's own metrics, which the cloud bills by the sample."""


class WatchedServiceArgs(InferenceServiceArgs):
    """The arguments of a service that a cloud's monitoring can watch."""

    observability: NotRequired[Observability]
    """Dashboard and alarms in the cloud's own monitoring. Default basic where that costs less than a dollar a
    month, else off."""
    alert_email: NotRequired[str]
    """E-mail address that alarms are sent to, such as `oncall@example.com`. Default none: alarms show in the
    cloud's console and notify nobody."""
    objective: NotRequired[ServiceObjective]
    """What the service promises, which alarms hold it to. Default 99.5 % of the requests in 30 days."""
    thresholds: NotRequired[dict[str, AlarmThresholds]]
    """Signal, such as `memory` -> where it raises an alarm. Default as described for each signal."""
    runbooks_url: NotRequired[str]
    """Address of your page of runbooks; alerts lead to its sections. Default the page in Slipway's guides."""


class Watched(Protocol):
    """The arguments of WatchedServiceArgs, complete, as a component's spec has them."""

    @property
    def observability(self) -> Observability: ...
    @property
    def alert_email(self) -> str: ...
    @property
    def objective(self) -> ServiceObjective: ...
    @property
    def thresholds(self) -> Mapping[str, AlarmThresholds]: ...
    @property
    def runbooks_url(self) -> str: ...
