"""Task definitions and services as CloudFormation has them, for cfn-lint to judge.

cfn-lint has its tables from AWS's CloudFormation schemas: another source of the sizes than ours.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from tests.contract.fargate_judge import Made

REGION = "eu-west-1"


def _pascal(value: Any) -> Any:
    """Names of properties, but not those of a log driver's options, which are its own."""
    if isinstance(value, dict):
        return {
            name[0].upper() + name[1:]: item if name == "options" else _pascal(item)
            for name, item in cast("dict[str, Any]", value).items()
        }
    return [_pascal(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def properties_of(made: Made) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of AWS::ECS::TaskDefinition and AWS::ECS::Service."""
    return _pascal(made.task), _pascal(made.service)


def linted(pairs: Mapping[str, tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, set[str]]:
    """Name -> the ids of the rules that its task definition or service breaks; all in one template."""
    # Imported here: it takes a second and a half, in every process that collects the tests.
    from cfnlint.api import lint  # pyright: ignore[reportMissingTypeStubs]
    from cfnlint.config import ManualArgs  # pyright: ignore[reportMissingTypeStubs]

    resources: dict[str, Any] = {}
    names = {f"{number}": name for number, name in enumerate(pairs)}
    for number, name in names.items():
        task, service = pairs[name]
        service = {**service, "TaskDefinition": {"Ref": f"Task{number}"}}
        resources[f"Task{number}"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": task}
        resources[f"Service{number}"] = {"Type": "AWS::ECS::Service", "Properties": service}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    found: dict[str, set[str]] = {name: set() for name in pairs}
    for match in lint(json.dumps(template), config=ManualArgs(regions=[REGION])):
        path: list[Any] = list(getattr(match, "path", ()))
        number = str(path[1]).removeprefix("Task").removeprefix("Service")
        found[names[number]].add(f"{match.rule.id}")
    return found
