"""The components as other languages will see them: through Pulumi's own analyzer.

In a process of its own: Pulumi's provider and Google's client libraries both bring a google.rpc.Status.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunServiceArgs
from slipway.components.fargate import FargateServiceArgs
from slipway.components.kubernetes import KubernetesServiceArgs
from slipway.components.spec import InferenceServiceArgs

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json
from pulumi.provider.experimental import component
from slipway.components.cloud_run import CloudRunService
from slipway.components.fargate import FargateService
from slipway.components.kubernetes import KubernetesService
from slipway.components.schema import Analyzer

def schema():
    provider = component.ComponentProvider([CloudRunService, FargateService, KubernetesService], "slipway")
    return json.loads(provider.schema)

of_pulumi = schema()
component.Analyzer = Analyzer
print(json.dumps({"of Pulumi": of_pulumi, "ours": schema()}))
"""


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Run Pulumi's analyzer and ours in one process, because importing all SDKs takes seconds."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def package(schemas: dict[str, Any]) -> dict[str, Any]:
    return schemas["ours"]


SERVICES = ("CloudRunService", "FargateService", "KubernetesService")
ARGUMENTS: dict[str, tuple[type, set[str]]] = {
    "CloudRunService": (CloudRunServiceArgs, {"model", "imageRef", "project", "region"}),
    "FargateService": (FargateServiceArgs, {"model", "imageRef", "region"}),
    "KubernetesService": (KubernetesServiceArgs, {"model", "imageRef"}),
}


@pytest.fixture(scope="module", params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def service(name: str, package: dict[str, Any]) -> dict[str, Any]:
    return package["resources"][f"slipway:index:{name}"]


def test_pulumis_own_analyzer_takes_the_components_and_finds_the_same_fields(schemas: dict[str, Any]) -> None:
    def without_texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_texts(item) for key, item in value.items() if key != "description"}  # pyright: ignore[reportUnknownVariableType]
        return value

    assert without_texts(schemas["of Pulumi"]) == without_texts(schemas["ours"])


def test_every_argument_is_there_also_the_inherited_ones(name: str, service: dict[str, Any]) -> None:
    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(word.title() for word in rest)

    declared, required = ARGUMENTS[name]
    assert set(service["inputProperties"]) == set(map(camel, declared.__annotations__))
    assert set(service["inputProperties"]) > set(map(camel, InferenceServiceArgs.__annotations__))
    assert set(service["requiredInputs"]) == required


@pytest.mark.parametrize("kind", ["inputProperties", "properties"])
def test_every_field_carries_its_text(service: dict[str, Any], kind: str) -> None:
    assert [name for name, field in service[kind].items() if not field.get("description")] == []


def test_what_may_be_known_later_is_no_plain_value(service: dict[str, Any]) -> None:
    inputs = service["inputProperties"]
    assert [name for name in ("imageRef", "apiKey", "cpu") if inputs[name].get("plain")] == ["cpu"]
    assert inputs["secretValues"]["additionalProperties"] == {
        "type": "string",
        "description": inputs["secretValues"]["description"],
    }


def test_numbers_are_numbers_and_whole_ones_integers(service: dict[str, Any]) -> None:
    types = {name: field.get("type") for name, field in service["inputProperties"].items()}
    assert (types["cpu"], types["memoryGib"], types["maxReplicas"]) == ("number", "number", "integer")


def test_the_uniform_outputs_of_a_target_are_there(service: dict[str, Any]) -> None:
    uniform = {"url", "imageRef", "serviceName", "consoleUrl", "logsCommand", "apiKey"}
    assert {*uniform, "domainRecords"} <= set(service["properties"])
    assert set(service["properties"]) - {*uniform, "domainRecords"} <= {"loadBalancer"}


def test_choices_are_enums_with_a_text_for_each_value(package: dict[str, Any]) -> None:
    names = {name.split(":")[-1] for name in package["types"]}
    assert names == {
        *("Ingress", "VpcEgress", "ExecutionEnvironment"),
        *("Architecture", "Balancing", "ContainerInsights", "Egress", "ScalingSchedule"),
        *("Serving", "ModelDelivery", "Toleration", "Monitoring", "ServiceObjective", "AlarmThresholds"),
        *("LogRetention", "Observability", "RolloutStep", "ScaleOn"),
    }
    for kind in package["types"].values():
        assert all(value["description"] for value in kind.get("enum", kind.get("properties", {}).values()))
