"""What a stack's file may hold, and what is said of one that is wrong: each fault once, all in one run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.infra.preview.plans import planned, previews_of
from slipway.infra.settings.document import StackFileError
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.stacks.settings.cloud_run import CloudRunSettings

HEAD = "config:\n  slipway:target: cloud-run\n  slipway:project: acme-ml\n  slipway:region: europe-west4\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(project: Path, text: str, *overrides: str) -> SettingsError:
    (project / "Pulumi.dev.yaml").write_text(HEAD + text)
    found = planned(project, "dev", overrides).refused
    assert isinstance(found, SettingsError), found
    return found


def lines(project: Path, text: str, *overrides: str) -> dict[str, str]:
    """Key -> its message; a key with two messages fails."""
    faults = refused(project, text, *overrides).faults
    assert len({fault.key for fault in faults}) == len(faults)
    return {fault.key: str(fault) for fault in faults}


def test_settings_component_and_model_are_judged_in_one_run(project: Path) -> None:
    found = lines(project, "", "maxInstances=5000", "memory=40Gi", "model=bundled:nope")
    assert set(found) == {"maxInstances", "memory", "model"}
    assert found["maxInstances"].endswith("allowed: 1 to 1000. Did you mean 1000? Fix it in --set.")
    assert found["memory"].startswith("memory is 40Gi with `cpu` 1; Cloud Run allows")
    assert "bundled:nope" in found["model"]


def test_ten_errors_of_five_kinds_are_each_reported_once(project: Path) -> None:
    text = (
        "  slipway:memory: lots\n"  # no quantity
        "  slipway:memory: 1Gi\n"  # twice
        "  slipway:maxInstnces: '4'\n"  # no such key
        "  slipwy:cpu: '1'\n"  # another namespace
        "  slipway:public: 'on'\n"  # no flag
        "  slipway:env: [a]\n"  # a list for a map
        "  slipway:invokers: {a: b}\n"  # a map for a list
        '  slipway:domain: "api.\\u0007example.com"\n'  # a control character
        "  slipway:apiKey: hunter2hunter2hunter2\n"  # a secret in clear
        "  slipway:zones: [europe-west4-a]\n"  # of another target
        "  slipway:cpu: '3'\n"  # no size of Cloud Run
    )
    found = lines(project, text)
    keys = {"memory", "maxInstnces", "slipwy:cpu", "public", "env", "invokers", "domain", "apiKey", "zones"}
    assert set(found) == keys | {"cpu"}
    assert "hunter2" not in "".join(found.values())
    assert all("Pulumi.dev.yaml" in line for line in found.values())


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        ("public", "on", "true"),
        ("public", "Off", "false"),
        ("maxInstances", "5000", "1000"),
        ("memory", "4GB", "4Gi"),
        ("ingress", "intern", "internal"),
        ("task", "clasify", "classify"),
        ("timeout", "0", "1"),
        ("cpu", "100", "64"),
    ],
)
def test_the_nearest_value_that_is_allowed_is_named(
    project: Path, key: str, value: str, nearest: str
) -> None:
    [fault] = [fault for fault in refused(project, "", f"{key}={value}").faults if fault.key == key]
    assert fault.hint == nearest


def test_an_unknown_key_gets_the_one_that_was_meant_and_no_list(project: Path) -> None:
    line = lines(project, "  slipway:memry: 4Gi\n")["memry"]
    assert line == "memry: got an unknown key. Did you mean memory? Fix it in Pulumi.dev.yaml."


def test_an_unknown_key_that_resembles_none_gets_the_nearest_three_and_the_page_of_its_target(
    project: Path,
) -> None:
    line = lines(project, "  slipway:taskSubs: '1'\n  slipway:q: '1'\n")["q"]
    assert "docs/reference/settings/cloud-run.md lists all" in line
    nearest = re.search(r"nearest: ([^;]*);", line)
    assert nearest
    assert len(nearest[1].split(", ")) == 3
    assert {*nearest[1].split(", ")} <= {row.key for row in CloudRunSettings.rows()}


def test_a_namespace_that_is_not_the_projects_is_refused_with_the_right_one(project: Path) -> None:
    line = lines(project, "  slipwy:memory: 4Gi\n")["slipwy:memory"]
    assert "Did you mean slipway:memory?" in line
    (project / "Pulumi.dev.yaml").write_text(HEAD + "  gcp:impersonateServiceAccount: a@b.example\n")
    assert settings_from(stack_config(project, "dev")).target == "cloud-run"


def test_a_value_of_a_component_is_shown_as_it_was_written_and_the_nearest_in_its_unit(project: Path) -> None:
    found = lines(project, "  slipway:memory: 1G\n")
    assert found["memory"].startswith("memory is 1G, which is 953.6")
    assert re.search(r"Did you mean 95[34]Mi\?", found["memory"])
    assert "memory_gib" not in found["memory"]


def test_what_follows_from_a_wrong_setting_is_not_reported_too(project: Path) -> None:
    assert set(lines(project, "", "region=nowhere")) == {"region"}


def test_a_misspelt_part_of_the_file_is_refused_because_all_below_it_would_be_dropped(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("configg:\n  slipway:target: local\n")
    with pytest.raises(StackFileError, match=r"reads no `configg` there\. Did you mean `config`\?"):
        stack_config(project, "dev")


def test_a_merge_of_maps_is_followed_and_its_own_keys_win(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text(
        "base: &base\n  slipway:cpu: '2'\n  slipway:memory: 4Gi\n"
        + HEAD.replace("config:\n", "config:\n  <<: *base\n")
        + "  slipway:memory: 2Gi\n"
    )
    settings = settings_from(stack_config(project, "dev"))
    assert (settings.cpu, settings.memory_gib) == (2, 2)


def test_values_and_defaults_of_the_projects_file_count_below_the_stacks(project: Path) -> None:
    (project / "Pulumi.yaml").write_text(
        "name: slipway\nruntime: python\nconfig:\n"
        "  memory:\n    type: string\n    default: 4Gi\n"
        "  slipway:cpu:\n    value: '2'\n"
        "  timeout: '20'\n"
        "  env:\n    type: object\n    default: {}\n"
    )
    (project / "Pulumi.dev.yaml").write_text(HEAD + "  slipway:timeout: '30'\n")
    config = stack_config(project, "dev")
    settings = settings_from(config)
    assert isinstance(settings, CloudRunSettings)
    assert (settings.memory_gib, settings.cpu, settings.request_timeout_seconds) == (4, 2, 30)
    assert config.where["slipway:memory"] == "Pulumi.yaml"
    assert settings.env == {}


def test_a_wrong_value_of_the_projects_file_is_to_be_fixed_there(project: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: slipway\nruntime: python\nconfig:\n  memory: lots\n")
    assert lines(project, "")["memory"].endswith("Fix it in Pulumi.yaml.")


@pytest.mark.parametrize(
    "text", ["environment: [shared/prod]\n", "environment:\n  imports: [shared/prod]\n  values: {a: b}\n"]
)
def test_a_plan_without_the_values_of_an_environment_says_that_it_is_incomplete(
    project: Path, text: str
) -> None:
    image = f"europe-west4-docker.pkg.dev/acme-ml/a/b@sha256:{'0' * 64}"
    (project / "Pulumi.dev.yaml").write_text(text + HEAD + f"  slipway:image: {image}\n")
    [(_, findings)] = previews_of(project, ["dev"], []).found
    assert "This plan is incomplete" in findings[0]["title"]
    assert "shared/prod" in findings[0]["title"]
    (project / "Pulumi.dev.yaml").write_text(text + "config:\n  slipway:target: cloud-run\n")
    assert "shared/prod" in str(planned(project, "dev").refused)


def test_the_command_reports_faults_as_values_too(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text(HEAD + "  slipway:memory: 40Gi\n")
    command = [sys.executable, "-m", "slipway.infra.cli", "preview", "dev", "--format", "json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    [error] = json.loads(done.stdout)["errors"]
    [fault] = error["faults"]
    assert (fault["key"], fault["got"], fault["hint"], fault["file"]) == (
        *("memory", "40Gi", "4Gi", "Pulumi.dev.yaml"),
    )
