"""The calls that make a Fargate service, as they are judged: looked up by operation."""

import json
from dataclasses import dataclass
from typing import Any

from slipway.infra.resources.reading import Resource
from tests.contract.fargate_api import Call, calls_of


@dataclass(frozen=True, slots=True)
class Made:
    """The calls of one program, by operation, in the order of the registrations."""

    calls: list[Call]

    @classmethod
    def of(cls, resources: tuple[Resource, ...]) -> "Made":
        return cls([call for resource in resources for call in calls_of(resource.type, resource.inputs)])

    def all(self, operation: str) -> list[dict[str, Any]]:
        return [call.params for call in self.calls if call.operation == operation]

    def one(self, operation: str) -> dict[str, Any]:
        [found] = self.all(operation)
        return found

    @property
    def task(self) -> dict[str, Any]:
        return self.one("RegisterTaskDefinition")

    @property
    def service(self) -> dict[str, Any]:
        return self.one("CreateService")

    @property
    def server(self) -> dict[str, Any]:
        [found] = [container for container in self.task["containerDefinitions"] if container["essential"]]
        return found

    @property
    def environment(self) -> dict[str, str]:
        return {entry["name"]: entry["value"] for entry in self.server["environment"]}

    @property
    def target_group(self) -> dict[str, Any]:
        return self.all("CreateTargetGroup")[0]

    def attribute(self, operation: str, key: str) -> str | None:
        found = [entry for params in self.all(operation) for entry in params["Attributes"]]
        return next((entry["Value"] for entry in found if entry["Key"] == key), None)

    def of_target_group(self, key: str) -> str:
        return self.attribute("ModifyTargetGroupAttributes", key) or ""

    def statements(self, role: str) -> list[dict[str, Any]]:
        policies = [
            params["PolicyDocument"]
            for params in self.all("PutRolePolicy")
            if params["RoleName"].endswith(role)
        ]
        return [one for policy in policies for one in json.loads(policy)["Statement"]]

    def permissions(self, operation: str) -> list[dict[str, Any]]:
        return [one for params in self.all(operation) for one in params["IpPermissions"]]
