"""GkeCluster as other languages will see it: through Pulumi's own analyzer, in a process of its own."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.checkout import ROOT

PROGRAM = """
from pulumi.provider.experimental import component
from components.gke import GkeCluster
from components.schema import Analyzer
component.Analyzer = Analyzer
print(component.ComponentProvider([GkeCluster], "slipway").schema)
"""


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_cluster_asks_for_its_project_and_location_alone(package: dict[str, Any]) -> None:
    cluster = package["resources"]["slipway:index:GkeCluster"]
    assert set(cluster["requiredInputs"]) == {"project", "location"}


def test_every_field_and_choice_carries_its_text(package: dict[str, Any]) -> None:
    cluster = package["resources"]["slipway:index:GkeCluster"]
    for kind in ("inputProperties", "properties"):
        assert [name for name, field in cluster[kind].items() if not field.get("description")] == []
    assert {name.split(":")[-1] for name in package["types"]} == {"GpuDriver", "GpuSharing", "ReleaseChannel"}
    for choices in package["types"].values():
        assert all(choice["description"] for choice in choices["enum"])
