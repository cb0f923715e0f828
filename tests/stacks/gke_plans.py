"""Plans of a `gke` stack for given settings, and the parts of them that tests look at."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from tests.warned import warned

GIVEN = {"target": "gke", "project": "acme-ml", "region": "europe-west4"}
HUB = f"hf:acme/spam@{'a' * 40}"
GPU = {"gpu": "nvidia-l4", "cpu": "3", "memory": "8Gi", "maxInstances": "4", "model": HUB}
DIGEST = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:{'0' * 64}"
SECRET_KEYS = frozenset({"slipway:apiKey", "slipway:secrets"})


def config(**values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN, **values}.items()}
    return StackConfig("slipway", "prod", given, SECRET_KEYS, {})


def planned(**values: str) -> Plan:
    return plan_of(main, config(**values))


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == name)


def pool(**values: str) -> Mapping[str, Any]:
    return inputs(planned(**values), "slipway-prod-gpu-pool")


def uses_of(plan: Plan, name: str) -> set[str]:
    """Names of the resources that its inputs are made of."""
    found = next(resource for resource in plan.resources if resource.name == name)
    return {urn.split("::")[-1] for urns in found.uses.values() for urn in urns}


def pod(plan: Plan) -> Mapping[str, Any]:
    return inputs(plan, "slipway-prod-deployment")["spec"]["template"]["spec"]


def refusal(**values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(**values)
    return str(caught.value)


def told(**values: str) -> str:
    """Return the remarks of a preview on a stack that is planned too."""
    planned(**values)
    return "\n".join(warned(config(**values)))
