"""`slipway cost`, `slipway policy` and `slipway advise`, as a person and as a program call them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.conftest import write_stack
from tests.infra.command import refused, report, slipway

DEV = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1", "minInstances": "1"}


def test_cost_says_plainly_what_is_paid_while_nobody_calls(project: Path) -> None:
    write_stack(project, {**DEV, "memory": "1Gi"}, "dev")
    done = slipway(project, "cost", "dev")
    assert done.returncode == 0, done.stderr
    # One vCPU and one GiB that wait: 2,628,000 x 0.000005, a registry's 0.10, a secret's 0.06, alarms 0.88.
    assert "Idle cost: $14.18 a month." in done.stdout
    assert "Assumed: 1,000,000 requests a month, all day" in done.stdout


def test_cost_explains_every_figure_by_a_row_with_its_source(project: Path) -> None:
    write_stack(project, DEV, "dev")
    said = slipway(project, "cost", "dev", "--explain").stdout
    assert "cloud-run/idle-cpu: $0.0000025 a vCPU-second, 2026-07-26; Cloud Billing Catalog API" in said
    assert "free, enabling an API has no charge" in said


def test_cost_takes_assumptions_from_the_command_line_before_the_stacks(project: Path) -> None:
    write_stack(project, {**DEV, "usage": '{"requests": 5, "egressGb": 7}'}, "dev")
    [found] = report(project, "cost", "dev", "--usage", "requests=0")["stacks"]
    assert "0 requests a month" in found["assumptions"][0]
    assert "7 GB to the internet" in found["assumptions"][0]


def test_cost_of_every_stack_at_once(project: Path) -> None:
    write_stack(project, DEV, "dev")
    found = report(project, "cost")["stacks"]
    assert [one["stack"] for one in found] == ["dev", "local"]
    assert found[1]["maximum"] == {"usd": 0.0, "unknown": []}


@pytest.mark.parametrize("command", ["preview", "cost", "policy"])
def test_a_folder_without_a_stack_passes_no_check(project: Path, command: str) -> None:
    for file in project.glob("Pulumi.*.yaml"):
        file.unlink()
    assert "There is no stack here" in refused(project, command)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--usage", "people=3"], "--usage got 'people=3'; it takes KEY=NUMBER with a KEY of requests"),
        (
            ["--usage", "hours=25"],
            "--usage hours is '25'; it is hours a day in which requests come, from 0.1",
        ),
        (["--usage", "requests=nan"], "--usage requests is 'nan'"),
        (["--set", "usage={"], "usage: got '{'"),
        (["--set", 'policy={"publc": "off"}'], "Did you mean public?"),
        (["--set", "budget=-1"], "budget: got '-1'"),
    ],
)
def test_wrong_assumptions_are_refused(project: Path, arguments: list[str], message: str) -> None:
    assert message in refused(project, "cost", "local", *arguments)


def test_a_policy_that_is_kept_exits_with_zero(project: Path) -> None:
    write_stack(project, DEV, "dev")
    done = slipway(project, "policy", "dev")
    assert (done.returncode, done.stdout) == (0, "dev breaks no rule\n")


def test_an_advisory_rule_is_told_and_lets_pass(project: Path) -> None:
    write_stack(project, DEV, "dev")
    done = slipway(project, "policy", "dev", "--set", "budget=1")
    assert done.returncode == 0
    assert "advisory budget: More than the budget." in done.stdout


def test_a_mandatory_rule_that_is_broken_exits_with_one(project: Path) -> None:
    write_stack(project, {**DEV, "budget": "1", "policy": '{"budget": "mandatory"}'}, "dev")
    done = slipway(project, "policy", "dev")
    assert done.returncode == 1
    assert "mandatory budget: More than the budget." in done.stdout
    assert "1 mandatory rule is broken (budget)" in done.stderr


def test_a_mandatory_rule_for_programs_is_one_json_object_and_exit_one(project: Path) -> None:
    write_stack(project, {**DEV, "budget": "1", "policy": '{"budget": "mandatory"}'}, "dev")
    done = slipway(project, "policy", "dev", "--format", "json")
    [stack] = json.loads(done.stdout)["stacks"]
    assert (done.returncode, [one["severity"] for one in stack["findings"]]) == (1, ["error"])


def test_advice_is_a_table_a_recommendation_and_what_would_change_it(project: Path) -> None:
    done = slipway(project, "advise", "--rps", "5", "--latency", "200")
    assert done.returncode == 0, done.stderr
    assert "Recommended: Cloud Run, request-based in us-central1." in done.stdout
    assert "Cloud Run, instance-based is cheaper." in done.stdout
    assert "(measured by `slipway fit`)" in done.stdout


def test_every_figure_of_the_advice_is_traced_to_a_price_row(project: Path) -> None:
    gpu = ("--gpu", "nvidia-l4", "--gpu-seconds", "0.1", *ON_TORCH.split())
    found = report(project, "advise", "--rps", "5", "--request-seconds", "0.4", *gpu)
    for option in found["options"]:
        known = option["expected"]["usd"] > 0
        assert bool(option["prices"]) is known, option["name"]
        rows = [found["prices"][mark - 1] for mark in option["prices"]]
        assert all(row["source"] for row in rows if row["usd"] is not None)


TRAFFIC = {
    "cloud-run": ("--rps", "5", "--latency", "200", "--project", "acme-ml"),
    "always": ("--rps", "50", "--request-seconds", "0.01", "--project", "acme-ml"),
    "fargate": ("--rps", "1", "--memory", "40Gi", "--residency", "eu"),
}
ON_TORCH = "--model hf:acme/summarizer@0123456789abcdef0123456789abcdef01234567 --memory 6Gi"
ON_GKE = {
    "nodes": "--rps 2000 --request-seconds 0.01 --memory 100Mi --latency 100",
    "gpu": f"--rps 2 --request-seconds 5 --gpu nvidia-l4 --gpu-seconds 0.2 --latency 2000 --spot {ON_TORCH}",
}


@pytest.mark.parametrize("name", TRAFFIC)
def test_the_stack_file_that_is_written_previews_and_costs_what_was_said(project: Path, name: str) -> None:
    found = report(project, "advise", *TRAFFIC[name], "--budget", "5000", "--write", name)
    assert found["written"] == f"Pulumi.{name}.yaml"
    assert slipway(project, "preview", name).returncode == 0
    [cost] = report(project, "cost", name, "--usage", "egressGb=0")["stacks"]
    [best] = [one for one in found["options"] if one["name"] == found["recommended"]]
    # Beside it: a gigabyte of images, of logs, a secret or its version, and alarms.
    assert 0 < cost["expected"]["usd"] - best["expected"]["usd"] < 2.01
    assert slipway(project, "policy", name).returncode == 0


@pytest.mark.parametrize("name", ON_GKE)
def test_a_stack_file_of_gke_costs_what_was_said_but_for_the_address(project: Path, name: str) -> None:
    """Private, it has no address until `public` or `domain` is set. Advice has no logs and alarms."""
    logs, alarms = 0.51, 0.51
    found = report(project, "advise", *ON_GKE[name].split(), "--project", "acme-ml", "--write", name)
    [cost] = report(project, "cost", name)["stacks"]
    [best] = [one for one in found["options"] if one["name"] == found["recommended"]]
    assert best["name"].startswith("GKE")
    apart = -18.25 + 0.10 + logs + alarms
    assert cost["expected"]["usd"] == pytest.approx(best["expected"]["usd"] + apart, abs=0.01)
    assert slipway(project, "policy", name).returncode == 0


def test_advice_on_a_folder_of_the_users_own_writes_a_stack_that_works(project: Path) -> None:
    shutil.copytree(ROOT / "service/models/sms-spam", project / "models/mine")
    asked = ("--rps", "5", "--model", "file:models/mine", "--project", "acme-ml")
    assert report(project, "advise", *asked, "--write", "mine")["written"] == "Pulumi.mine.yaml"
    [stack] = report(project, "preview", "mine")["stacks"]
    [build] = [each for each in stack["resources"] if each["type"] == "docker-build:index:Image"]
    assert build["inputs"]["buildArgs"]["BUNDLED"] == "sms-spam"
    assert report(project, "cost", "mine")["stacks"][0]["expected"]["usd"] > 0


def test_advice_on_a_folder_that_is_not_there_says_so(project: Path) -> None:
    said = refused(project, "advise", "--rps", "5", "--model", "file:models/mine", "--write", "mine")
    assert "model is 'file:models/mine', which is no folder here" in said
    assert not (project / "Pulumi.mine.yaml").exists()


def test_a_stack_file_is_never_written_over(project: Path) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    message = refused(project, "advise", "--rps", "1", "--write", "local")
    assert "Pulumi.local.yaml already exists; not overwritten" in message
    assert (project / "Pulumi.local.yaml").read_text() == before


@pytest.mark.parametrize("name", ["../up", "a b", ".hidden"])
def test_a_name_that_no_stack_can_have_is_refused(project: Path, name: str) -> None:
    assert "--write got" in refused(project, "advise", "--rps", "1", "--write", name)
    assert sorted(path.name for path in project.iterdir()) == ["Pulumi.local.yaml", "Pulumi.yaml"]


def test_a_question_without_traffic_is_refused_and_nothing_is_written(project: Path) -> None:
    assert "--rps is -1" in refused(project, "advise", "--rps=-1", "--write", "mine")
    assert not (project / "Pulumi.mine.yaml").exists()
