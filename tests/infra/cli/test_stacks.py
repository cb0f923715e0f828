"""Which stacks a command takes: `--stack`, several, patterns, and the table they end in; `--yes`; help."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from slipway.infra.cli.app import app
from tests.conftest import write_stack
from tests.docs.command_lines import parse
from tests.infra.command import COMMAND, ENVIRONMENT, refused, report, slipway

DEV = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1"}


def leaves(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


COMMANDS = dict(leaves(typer.main.get_command(app), "slipway"))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_help_has_an_example_of_its_command_that_the_parser_takes(path: str) -> None:
    example = COMMANDS[path].epilog.removeprefix("Example: ")
    assert example.startswith(f"{path} ")
    parse(shlex.split(example)[1:])


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_that_takes_a_stack_takes_it_as_an_option_too(path: str) -> None:
    names = {parameter.name for parameter in COMMANDS[path].params if parameter.param_type_name == "argument"}
    options = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    if names & {"stack", "stacks"}:
        assert {"--stack", "-s"} <= options


@pytest.fixture
def stacks(project: Path) -> Path:
    for name in ("prod-eu", "prod-us", "dev"):
        write_stack(project, DEV, name)
    return project


def test_a_pattern_names_every_stack_that_it_matches(stacks: Path) -> None:
    found = report(stacks, "cost", "prod-*")["stacks"]
    assert [one["stack"] for one in found] == ["prod-eu", "prod-us"]
    found = report(stacks, "cost", "--stack", "dev", "-s", "prod-?s", "dev")["stacks"]
    assert [one["stack"] for one in found] == ["dev", "prod-us"]
    message = refused(stacks, "cost", "qa*")
    assert "No stack matches 'qa*'. Stacks here: dev, local, prod-eu, prod-us." in message


@pytest.mark.parametrize("command", ["preview", "cost", "policy", "status"])
def test_several_stacks_end_in_one_table(stacks: Path, command: str) -> None:
    said = slipway(stacks, command, "prod-*", PATH="/nowhere").stdout.rstrip().splitlines()
    begin = max(place for place, line in enumerate(said) if line.startswith("stack "))
    names = [line.split()[0] for line in said[begin + 1 :] if not line.startswith(" ")]
    assert names[:2] == ["prod-eu", "prod-us"]
    alone = slipway(stacks, command, "prod-eu", PATH="/nowhere").stdout
    assert not [line for line in alone.splitlines() if line.startswith("stack ")]


def test_the_table_of_costs_has_their_sum(stacks: Path) -> None:
    said = slipway(stacks, "cost", "prod-*").stdout.rstrip().splitlines()
    amounts = [[float(cell.strip("$").replace(",", "")) for cell in line.split()[-3:]] for line in said[-3:]]
    assert [sum(pair) for pair in zip(*amounts[:2], strict=True)] == pytest.approx(amounts[2], abs=0.011)


def test_a_stack_whose_status_cannot_be_read_hides_no_other(stacks: Path) -> None:
    done = slipway(stacks, "status", "local", "dev", "--format", "json", PATH="/nowhere")
    states = {one["stack"]: one["state"] for one in json.loads(done.stdout)["stacks"]}
    assert states == {"local": "stopped", "dev": "unknown"}
    assert done.returncode == 1


def test_two_names_for_a_command_that_takes_one_stack_are_refused(stacks: Path) -> None:
    assert "Two stacks are named, dev and --stack local" in refused(stacks, "logs", "dev", "--stack", "local")
    assert "Name a stack. Stacks here: dev, local" in refused(stacks, "manifests")
    assert report(stacks, "status", "local", "--stack", "local")["state"] == "stopped"


def pulumi(folder: Path, script: str) -> str:
    """Return a PATH with a `pulumi` that runs the script."""
    program = folder / "bin/pulumi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_yes_answers_pulumis_question(stacks: Path, tmp_path: Path) -> None:
    path = pulumi(tmp_path, 'echo "pulumi $*"')
    assert slipway(stacks, "up", "dev", "--yes", PATH=path).stdout == "pulumi up --stack dev --yes\n"
    assert slipway(stacks, "down", "-s", "dev", "-y", PATH=path).stdout.startswith(
        "pulumi destroy --stack dev --yes\n"
    )


def test_outputs_of_a_stack_in_a_cloud_are_those_that_pulumi_knows(stacks: Path, tmp_path: Path) -> None:
    script = """case "$*" in
  "stack output --json --stack dev --non-interactive --show-secrets") key=the-key;;
  "stack output --json --stack dev --non-interactive") key="[secret]";;
  *) echo "error: no stack named 'prod-eu' found" >&2; exit 255;;
esac
echo '{"url": "https://dev.example", "apiKey": "'"$key"'"}'"""
    path = pulumi(tmp_path, script)
    named = ("output", "apiKey", "--stack", "dev")
    assert slipway(stacks, *named, PATH=path).stdout == "[secret]\n"
    assert slipway(stacks, *named, "--show-secrets", PATH=path).stdout == "the-key\n"
    assert slipway(stacks, *named, "--as-header", PATH=path).stdout == "Authorization: Bearer the-key\n"
    done = slipway(stacks, "output", "--stack", "prod-eu", PATH=path)
    assert done.returncode == 1
    assert "failed: no stack named 'prod-eu' found" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config:\n  a: [1\n", "not valid YAML, line 3, column 1: while parsing a flow sequence"),
        ("config:\n\tb: 1\n", "not valid YAML, line 2, column 1: while scanning for the next token"),
    ],
)
def test_a_fault_of_yaml_has_its_place_in_the_file(project: Path, text: str, said: str) -> None:
    (project / "Pulumi.dev.yaml").write_text(text)
    message = refused(project, "status", "dev")
    assert said in message
    assert "<unicode string>" not in message


def test_a_usage_error_has_the_style_of_every_other_error(project: Path) -> None:
    done = slipway(project, "cost", "--no-such-option")
    assert done.returncode == 2
    assert "\nError: No such option: --no-such-option" in done.stderr
    assert not set("╭│╰") & set(done.stdout + done.stderr)


@pytest.mark.parametrize("width", ["80", "60"])
def test_a_narrow_terminal_breaks_no_name_in_the_table_of_costs(stacks: Path, width: str) -> None:
    command = [*COMMAND, "cost", "prod-eu"]
    environment = {**ENVIRONMENT, "COLUMNS": width}
    said = subprocess.run(command, cwd=stacks, env=environment, capture_output=True, text=True).stdout
    assert " …-MODEL_API_KEY-version " in said
    assert " …-image-repository " in said


def test_a_preview_of_the_local_stack_has_no_word_of_a_clouds_bill(project: Path) -> None:
    said = slipway(project, "preview", "local").stdout
    assert "nothing is billed" in said
    assert not [word for word in ("internet", "discounts", "free tiers", "instances") if word in said]
