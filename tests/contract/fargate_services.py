"""What Fargate services of the cases register, and the calls of it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi

from slipway.components.fargate import Egress, FargateService
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.fargate_calls import Made
from tests.contract.fargate_cases import MORNING, PLAIN, REFERENCE, RIGHT

EVERYTHING: dict[str, Any] = {
    **PLAIN,
    **RIGHT["HTTPS for a network"],
    "model": "s3://models/spam@3sL4kqtJlcpXroDTDmJ",
    "egress": Egress.ENDPOINTS,
    "secret_values": {"HF_TOKEN": "hush"},
    "secrets": {"DATABASE": REFERENCE},
    "request_seconds": 0.5,
    "schedules": [MORNING],
    "alert_email": "oncall@example.com",
}


def services(*service_names: str, args: Mapping[str, Any]) -> Emitted:
    def program() -> None:
        for name in service_names:
            service = FargateService(name, {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
            pulumi.export(f"{name}-url", service.url)
            pulumi.export(f"{name}-records", service.domain_records)

    return emitted_by(program)


def made_of(args: Mapping[str, Any], name: str = "api") -> Made:
    return Made.of(services(name, args=args).resources)


@cache
def right(case: str) -> Made:
    """Return what a valid case creates, once for all judges."""
    return made_of(RIGHT[case])
