"""`slipway` on a stack of a cloud, with stand-ins for the programs that it calls."""

import json
import os
import sys
from pathlib import Path

import pytest

from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.preview import previews_of
from slipway.infra.preview.leftovers import remaining_of
from slipway.infra.program import main
from tests.conftest import write_stack
from tests.infra.command import refused, slipway

SETTINGS = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}


def stand_in_for_pulumi(folder: Path, code: int = 0) -> str:
    """PATH with a `pulumi` that says how it was called."""
    folder.mkdir()
    (folder / "pulumi").write_text(f'#!/bin/sh\necho "pulumi $*"\nexit {code}\n')
    (folder / "pulumi").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_down_destroys_and_tells_what_remains(project: Path, tmp_path: Path) -> None:
    write_stack(project, SETTINGS, "dev")
    done = slipway(project, "down", "dev", PATH=stand_in_for_pulumi(tmp_path / "bin"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pulumi destroy --stack dev\nWhat remains:\n")
    assert "run.googleapis.com" in done.stdout
    assert "pulumi stack rm dev" in done.stdout


def test_down_for_programs_leaves_standard_output_to_the_report(project: Path, tmp_path: Path) -> None:
    write_stack(project, SETTINGS, "dev")
    path = stand_in_for_pulumi(tmp_path / "bin")
    report = json.loads(slipway(project, "down", "dev", "--format", "json", PATH=path).stdout)
    assert (report["stack"], report["stopped"]) == ("dev", True)
    assert any("APIs" in line for line in report["remains"])


def test_a_destroy_that_failed_is_not_said_to_be_done(project: Path, tmp_path: Path) -> None:
    write_stack(project, SETTINGS, "dev")
    done = slipway(project, "down", "dev", PATH=stand_in_for_pulumi(tmp_path / "bin", code=255))
    assert (done.returncode, "What remains" in done.stdout) == (255, False)


def test_settings_that_are_refused_are_never_destroyed(project: Path, tmp_path: Path) -> None:
    write_stack(project, {**SETTINGS, "cpu": "3"}, "dev")
    message = refused(project, "down", "dev", PATH=stand_in_for_pulumi(tmp_path / "bin"))
    assert "Cloud Run allows" in message


def test_what_remains_names_no_api_that_the_stack_does_not_enable() -> None:
    values = {f"slipway:{key}": value for key, value in SETTINGS.items()}
    lines = remaining_of(plan_of(main, StackConfig("slipway", "dev", values, frozenset(), {})))
    [apis] = [line for line in lines if line.startswith("APIs")]
    assert "secretmanager.googleapis.com" in apis
    local = StackConfig("slipway", "local", {"slipway:target": "local"}, frozenset(), {})
    assert not [line for line in remaining_of(plan_of(main, local)) if "API" in line]


def without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `make up`, which installs no cloud's SDK."""
    cloud = ("slipway.stacks.cloud_run", "slipway.components.cloud_run")
    for name in [name for name in sys.modules if name.startswith(cloud)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pulumi_gcp", None)


def test_a_preview_of_every_stack_leaves_out_one_without_its_sdk(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stack(project, SETTINGS, "dev")
    without_sdk(monkeypatch)
    previews = previews_of(project, [], [])
    assert [plan.stack for plan, _ in previews.found] == ["local"]
    assert "make setup-cloud" in previews.left_out["dev"]


def test_a_preview_of_a_stack_that_is_named_is_refused_without_its_sdk(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stack(project, SETTINGS, "dev")
    without_sdk(monkeypatch)
    with pytest.raises(ExceptionGroup) as caught:
        previews_of(project, ["dev"], [])
    [refusal] = caught.value.exceptions
    assert isinstance(refusal, Refused)
    assert "pulumi_gcp; it is not installed" in str(refusal)
