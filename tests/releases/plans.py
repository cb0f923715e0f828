"""The plans that a release is known by: of each stack of the repository and of each component's example.

As YAML, without what follows the files of a checkout: digests of an image, of its context and of the
server's code. A plan that was read again has no dependencies, which a comparison takes from the newer side.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, cast

import pulumi
import yaml

from slipway.components.cloud_run import CloudRunService
from slipway.components.fargate import FargateService
from slipway.components.gke import GkeCluster
from slipway.components.image import InferenceImage
from slipway.components.kubernetes import KubernetesService
from slipway.components.local.component import LocalService
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.resources.reading import Resource
from slipway.infra.settings.stackfile import stack_config, stack_names
from tests.checkout import ROOT
from tests.contract import cloud_run_cases, fargate_cases, gke_cases, kubernetes_cases
from tests.stacks.targets import config

# Those of which the repository has no stack.
_TARGETS = ("kubernetes", "kserve")
_EXAMPLES: Mapping[str, tuple[Callable[..., object], Mapping[str, Any]]] = {
    "CloudRunService": (CloudRunService, cloud_run_cases.PLAIN),
    "FargateService": (FargateService, fargate_cases.PLAIN),
    "GkeCluster": (GkeCluster, gke_cases.PLAIN),
    "KubernetesService": (KubernetesService, kubernetes_cases.PLAIN),
    "InferenceImage": (InferenceImage, {"registry": "ecr", "region": "eu-west-1"}),
    "LocalService": (LocalService, {"model": "bundled:sms-spam", "api_key": "k" * 20}),
}
_OF_A_COMPONENT = StackConfig("demo", "dev", {}, frozenset(), {})
_SCRUBBED = (
    (re.compile(r"sha256:(?!0{64}|a{64})[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"build-[0-9a-f]{12}"), "build-TAG"),
    (re.compile(r'(?<="code_digest": ")[0-9a-f]{12}'), "DIGEST"),
)
# What a comparison of a new plan with an old one reads from the new one alone, and what the URN has.
_LEFT_OUT = {"dependencies", "uses"} | {"urn", "type", "name"}


@cache
def plans() -> Mapping[str, Plan]:
    """Plan each stack and each example. Name -> plan; a component's name is its class's."""
    stacks = {name: plan_of(main, stack_config(ROOT, name)) for name in stack_names(ROOT)}
    targets = {name: plan_of(main, config(name)) for name in _TARGETS}
    return stacks | targets | {name: plan_of(_program(name), _OF_A_COMPONENT) for name in _EXAMPLES}


def text_of(plan: Plan) -> str:
    """Write a plan as YAML."""
    content = {
        "project": plan.project,
        "stack": plan.stack,
        "outputs": sorted(plan.outputs),
        "resources": {resource.urn: _plain(resource) for resource in plan.resources},
    }
    text = json.dumps(content)
    for pattern, stands_for in _SCRUBBED:
        text = pattern.sub(stands_for, text)
    return yaml.dump(json.loads(text), Dumper=yaml.CSafeDumper, sort_keys=False, width=110)


def plan_from(text: str) -> Plan:
    """Read what `text_of` wrote. The outputs have no values."""
    content = yaml.load(text, Loader=yaml.CSafeLoader)
    resources = tuple(_resource(urn, written) for urn, written in content["resources"].items())
    return Plan(content["project"], content["stack"], resources, dict.fromkeys(content["outputs"]))


def _resource(urn: str, written: Mapping[str, Any]) -> Resource:
    """Build a resource; its URN has its type and its name."""
    types, name = urn.split("::")[-2:]
    given: dict[str, Any] = {"parent": None, "custom": True, "inputs": {}, "dependencies": ()}
    for key, value in written.items():
        given[key] = tuple(cast("list[str]", value)) if isinstance(value, list) else value
    return Resource(urn=urn, type=types.split("$")[-1], name=name, **given)


def comparable(plan: Plan) -> Plan:
    """Return a plan as its text has it, and with what its values are made of, which only the plan knows."""
    read = plan_from(text_of(plan)).resources
    made_of = {resource.urn: resource.uses for resource in plan.resources}
    return replace(plan, resources=tuple(replace(one, uses=made_of[one.urn]) for one in read))


def _program(name: str) -> Callable[[], None]:
    component, arguments = _EXAMPLES[name]

    def program() -> None:
        made: Any = component("api", dict(arguments))
        assert isinstance(made, pulumi.ComponentResource)

    return program


def _plain(resource: Resource) -> dict[str, Any]:
    """Return what is set of a resource. A component's record of its arguments is left out."""
    found = {field.name: getattr(resource, field.name) for field in fields(Resource)}
    kept = {
        key: value
        for key, value in found.items()
        if key not in _LEFT_OUT and value not in ((), "", None, False)
    }
    if resource.custom:
        del kept["custom"]
        return kept
    del kept["inputs"]
    return kept | {"custom": False}
