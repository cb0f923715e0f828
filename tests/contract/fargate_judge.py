"""Judges the calls that make a Fargate service: AWS's own models first, then our rules read backwards.

It knows nothing of the arguments; the tables are the component's, the reading of them is another one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.contract.aws_models import refusals
from tests.contract.fargate_calls import Made
from tests.contract.fargate_network_rules import NETWORK_RULES
from tests.contract.fargate_service_rules import SERVICE_RULES
from tests.contract.fargate_task_rules import TASK_RULES
from tests.contract.fargate_traffic_rules import TRAFFIC_RULES
from tests.contract.fargate_watch_rules import WATCH_RULES

RULES: Mapping[str, Callable[[Made], bool]] = {
    **TASK_RULES,
    **NETWORK_RULES,
    **SERVICE_RULES,
    **TRAFFIC_RULES,
    **WATCH_RULES,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """refused: what AWS's models say. broken: our rules; read only where the models refuse nothing."""

    refused: list[str]
    broken: list[str]

    @property
    def passes(self) -> bool:
        return not (self.refused or self.broken)


def verdict(made: Made) -> Verdict:
    refused = [fault for call in made.calls for fault in refusals(call)]
    return Verdict(refused, [] if refused else [name for name, holds in RULES.items() if not holds(made)])
