"""What a Fargate service registers for given arguments, and the parts of it that tests look at."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi

from slipway.components.fargate import FargateService
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.resources.reading import Resource
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.fargate_cases import EXISTING, PLAIN

MODEL = "s3://models/spam/v2@3sL4kqtJlcpXroDTDmJ"
OUTPUTS = (
    *("url", "image_ref", "service_name", "console_url", "logs_command", "api_key", "domain_records"),
    "load_balancer",
)


@cache
def plain() -> Emitted:
    """Of the defaults: it is looked at by many."""
    return emitted_now()


def emitted(**args: Any) -> Emitted:
    return emitted_now(**args) if args else plain()


def emitted_now(**args: Any) -> Emitted:
    """args: a function of nothing makes the argument within the program, where an Output can be made."""

    def program() -> None:
        made = {key: value() if callable(value) else value for key, value in args.items()}
        service = FargateService("api", {**PLAIN, **made})  # pyright: ignore[reportArgumentType]
        for name in OUTPUTS:
            pulumi.export(name, getattr(service, name))

    return emitted_by(program)


def planned(**args: Any) -> Plan:
    def program() -> None:
        service = FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("key", service.api_key)

    return plan_of(program, StackConfig("demo", "dev", {}, frozenset(), {}))


def service(**args: Any) -> Mapping[str, Any]:
    return emitted(**args).named("api-service").inputs


def task(**args: Any) -> Mapping[str, Any]:
    """In an existing network unless another is given, for which less is made."""
    return emitted(**{**EXISTING, **args}).named("api-task").inputs


def containers(**args: Any) -> list[dict[str, Any]]:
    return json.loads(task(**args)["containerDefinitions"])


def environment(**args: Any) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in containers(**args)[0]["environment"]}


def statements(made: Emitted, role: str) -> list[dict[str, Any]]:
    return json.loads(made.named(f"api-{role}-policy").inputs["policy"])["Statement"]


def names_of(urns: tuple[str, ...]) -> set[str]:
    return {urn.split("::")[-1] for urn in urns}


def without_inputs_of(plan: Plan, *names: str) -> list[Resource]:
    return [resource for resource in plan.resources if resource.name not in names]
