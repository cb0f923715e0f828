"""`slipway releases`, `promote`, `pause` and `rollback` where a cluster has no rollout, or a damaged record.

tests/pulumi_engine/test_kubernetes_rollouts.py has the rollouts themselves, on a real API server.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import slipway
from tests.infra.targets.test_kubernetes import DEPLOYMENT, GKE, SERVICE, Kubectl, kubectl, status

__all__ = ["kubectl"]
ROLLOUT: dict[str, Any] = {
    "kind": "canary",
    "old": 7,
    "new": 8,
    "started_at": 0,
    "by": "ann@laptop (process 12)",
    "percent": 25,
    "bake_seconds": 300,
    "baked_seconds": 12.34,
}


def recorded(**changed: Any) -> dict[str, Any]:
    """Return the ConfigMap with a rollout's record."""
    data = {"rollout": json.dumps({**ROLLOUT, **changed})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def refused(project: Path, kubectl: Kubectl, *arguments: str) -> str:
    done = slipway(project, *arguments, PATH=kubectl.path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr


@pytest.mark.parametrize("command", ["promote", "pause"])
def test_there_is_nothing_to_end_or_to_pause_without_a_rollout(
    project: Path, kubectl: Kubectl, command: str
) -> None:
    assert f"No rollout is under way, so there is none to {command}" in refused(
        project, kubectl, command, "prod"
    )
    kubectl.answers(settings=recorded(state="serves"))
    assert "No rollout is under way" in refused(project, kubectl, command, "prod")


def test_a_rollout_whose_command_is_silent_is_cut_off(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(DEPLOYMENT, SERVICE, settings=recorded(seen_at=time.time() - 120))
    assert status(project, kubectl)["rollout"]["state"] == "cut off"
    said = refused(project, kubectl, "promote", "prod")
    assert "The rollout of release 8 was cut off: nothing watches it. `slipway up` begins it again" in said
    kubectl.answers(DEPLOYMENT, SERVICE, settings=recorded(seen_at=time.time()))
    found = status(project, kubectl)
    assert found["release"] == 7
    assert (found["rollout"]["state"], found["rollout"]["baked_seconds"]) == ("under way", 12.3)
    said = slipway(project, "status", "prod", PATH=kubectl.path).stdout
    assert "release 8 has 25% of the requests, under way: 12 of 300 s" in said


def test_a_record_that_is_damaged_is_named(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(settings=recorded(kind=None, colour="blue"))
    done = slipway(project, "promote", "prod", PATH=kubectl.path)
    assert done.returncode == 1
    assert "The ConfigMap slipway-prod-rollout is damaged. Delete it: `kubectl delete" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Nothing serves on this stack, so there is no release to leave."),
        (["blue"], "Releases of a cluster are numbers, and 'blue' is none."),
        (["--keep-settings"], "a release's ConfigMap has its model and its settings. Leave it out."),
    ],
)
def test_a_rollback_that_cannot_be_is_refused(
    project: Path, kubectl: Kubectl, arguments: list[str], said: str
) -> None:
    assert said in refused(project, kubectl, "rollback", *arguments, "--stack", "prod")


def test_kserve_has_revisions_of_its_own(project: Path, kubectl: Kubectl) -> None:
    write_stack(project, {**GKE, "serving": "kserve", "cluster": "shared"}, "prod")
    for command in (["releases", "prod"], ["promote", "prod"], ["rollback", "--stack", "prod"]):
        assert "`canaryPercent: 0` gives every request to KServe's previous" in refused(
            project, kubectl, *command
        )
