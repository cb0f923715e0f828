"""What the server of a stack is handed and how long its start may take, by target, from an offline plan."""

from collections.abc import Mapping
from typing import Any

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from tests.components.fargate.emitted import containers

DIGEST = f"sha256:{'0' * 64}"
GIVEN: dict[str, dict[str, str]] = {
    "cloud-run": {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"},
    "fargate": {"target": "fargate", "region": "eu-west-1"},
    "gke": {"target": "gke", "project": "acme-ml", "region": "europe-west4"},
    "kubernetes": {"target": "kubernetes", "repository": "registry.example.com/slipway/server"},
    "kserve": {
        "target": "kubernetes",
        "repository": "registry.example.com/slipway/server",
        "serving": "kserve",
    },
}
IMAGES = {
    "cloud-run": f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@{DIGEST}",
    "fargate": f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@{DIGEST}",
    "gke": f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@{DIGEST}",
    "kubernetes": f"registry.example.com/slipway/server@{DIGEST}",
    "kserve": f"registry.example.com/slipway/server@{DIGEST}",
}


def config(target: str, **values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN[target], **values}.items()}
    return StackConfig("slipway", "prod", given, frozenset(), {})


def planned(target: str, **values: str) -> Plan:
    return plan_of(main, config(target, **values))


def warned(target: str, **values: str) -> str:
    return "\n".join(warning.text for warning in planned(target, **values).warnings)


def environment(target: str, plan: Plan) -> Mapping[str, str]:
    """Return the server's plain environment."""
    if target == "cloud-run":
        entries = inputs(plan, "slipway-prod-service")["template"]["containers"][0]["envs"]
        return {entry["name"]: entry["value"] for entry in entries if "value" in entry}
    if target == "fargate":
        return {entry["name"]: entry["value"] for entry in fargate_container(plan)["environment"]}
    return next(r.inputs for r in plan.resources if r.type == "kubernetes:core/v1:ConfigMap")["data"]


def fargate_container(plan: Plan) -> dict[str, Any]:
    """Build the container from the component's arguments, because a preview does not know its ARNs."""
    [component] = [r for r in plan.resources if r.type == "slipway:index:FargateService"]
    named = ("model", "expected_model", "load_seconds", "env")
    return containers(**{name: component.inputs[name] for name in named if name in component.inputs})[0]


def pod_container(plan: Plan) -> Mapping[str, Any]:
    return inputs(plan, "slipway-prod-deployment")["spec"]["template"]["spec"]["containers"][0]


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == name)


def waits(probe: Mapping[str, Any]) -> int:
    """Seconds until a start-up probe gives up."""
    return probe["periodSeconds"] * probe["failureThreshold"]
