"""Plans that are judged by the rules of another checkout, which a pull request does not write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.command import refused, report, slipway
from tests.infra.preview.test_against import own_slipway
from tests.infra.repository import QUIET_STACK, commit, git, repository_in, write_stack

PLAIN = {"env": '{"DATABASE_URL": "postgres://app:hunter2hunter2@10.0.0.3/app"}'}


@pytest.fixture
def written(project: Path) -> Path:
    """Write the report of a pull request whose own rules see nothing, next to the stack without it."""
    for file in project.glob("Pulumi.*.yaml"):
        file.unlink()
    write_stack(project, "dev", {**QUIET_STACK, **PLAIN, "policy": '{"plain-secret": "off"}'})
    found = report(project, "preview")
    assert not [each for each in found["stacks"][0]["findings"] if each["severity"] == "error"]
    (project / "preview.json").write_text(json.dumps(found))
    write_stack(project, "dev", QUIET_STACK)
    return project


def test_a_report_is_judged_by_the_levels_that_are_here(written: Path) -> None:
    done = slipway(written, "policy", "--report", "preview.json")
    assert done.returncode == 1
    assert "mandatory plain-secret" in done.stdout
    assert "The rules of the report's own program do not say so: plain-secret." in done.stdout
    found = json.loads(slipway(written, "policy", "--report", "preview.json", "--format", "json").stdout)
    [stack] = found["stacks"]
    assert [rule for rule, _ in stack["silent"]] == ["plain-secret"]
    assert found["left_out"] == []


@pytest.fixture
def two_stacks(project: Path) -> Path:
    """Write the report of a pull request without `prod`, which is here."""
    for file in project.glob("Pulumi.*.yaml"):
        file.unlink()
    write_stack(project, "dev", QUIET_STACK)
    (project / "preview.json").write_text(json.dumps(report(project, "preview")))
    write_stack(project, "prod", QUIET_STACK)
    return project


def test_a_stack_that_a_report_leaves_out_fails_it(two_stacks: Path) -> None:
    done = slipway(two_stacks, "policy", "--report", "preview.json")
    assert done.returncode == 1
    assert "dev breaks no rule" in done.stdout
    assert "no plan of prod" in done.stderr
    done = slipway(two_stacks, "policy", "--report", "preview.json", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["left_out"]) == (1, ["prod"])


def test_a_stack_whose_file_was_removed_needs_no_plan(two_stacks: Path) -> None:
    done = slipway(two_stacks, "policy", "--report", "preview.json", "--removed", "prod")
    assert done.returncode == 0, done.stderr
    assert "--report" in refused(two_stacks, "policy", "dev", "--removed", "prod")


@pytest.mark.parametrize("resources", [[], None])
def test_a_plan_of_nothing_or_of_another_project_is_no_plan(
    two_stacks: Path, resources: list[Any] | None
) -> None:
    file = two_stacks / "preview.json"
    found = json.loads(file.read_text())
    [stack] = found["stacks"]
    other = {"resources": resources} if resources is not None else {"project": "another"}
    file.write_text(json.dumps({**found, "stacks": [{**stack, **other}]}))
    done = slipway(two_stacks, "policy", "--report", "preview.json", "--removed", "prod")
    assert done.returncode == 1
    assert "no plan of dev" in done.stderr


def test_two_plans_of_one_stack_are_refused(two_stacks: Path) -> None:
    file = two_stacks / "preview.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, "stacks": found["stacks"] * 2}))
    assert "two plans of one stack" in refused(two_stacks, "policy", "--report", "preview.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "slipway-preview", "version": 99, "stacks": []}',
        '{"schema": "slipway-preview", "version": "1", "stacks": []}',
        '{"schema": "slipway-preview", "version": 1, "stacks": 5}',
        '{"schema": "slipway-preview", "version": 1, "stacks": [{"name": "dev", "resources": [{"urn": 1}]}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_report_is_refused(project: Path, text: str) -> None:
    (project / "preview.json").write_text(text)
    assert "preview" in refused(project, "policy", "--report", "preview.json")


def test_inputs_that_no_program_writes_are_refused_or_judged_and_never_a_traceback(written: Path) -> None:
    found = json.loads((written / "preview.json").read_text())
    for value in (None, 5, "x", [], [[1]], {"a": None}):
        changed: dict[str, Any] = json.loads(json.dumps(found))
        for resource in changed["stacks"][0]["resources"]:
            resource["inputs"] = dict.fromkeys(resource["inputs"], value)
        (written / "preview.json").write_text(json.dumps(changed))
        done = slipway(written, "policy", "--report", "preview.json")
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1, 2)


def test_a_report_goes_alone(written: Path) -> None:
    assert "--report" in refused(written, "policy", "dev", "--report", "preview.json")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository_in(tmp_path_factory.mktemp("rules") / "project")
    for file in folder.glob("Pulumi.*.yaml"):
        file.unlink()
    write_stack(folder, "dev", QUIET_STACK)
    commit(folder, "One stack")
    git(folder, "checkout", "--quiet", "-b", "pull")
    return folder


def test_rules_whose_code_is_made_lax_are_those_of_the_base_as_well(repository: Path) -> None:
    checks = repository / "infra/policy/checks.py"
    lax = checks.read_text().replace(
        "    for container in context.containers(resource):\n        if container.env is None:",
        "    for container in ():\n        if container.env is None:",
    )
    assert lax != checks.read_text()
    checks.write_text(lax)
    write_stack(repository, "dev", {**QUIET_STACK, **PLAIN})
    done = own_slipway(repository, "preview", "--against", "main", "--format", "json")
    found = json.loads(done.stdout)
    [stack] = found["stacks"]
    assert not [each for each in stack["findings"] if each.get("rule") == "plain-secret"]
    texts = [each["text"] for each in stack["risks"] if each["level"] == "high"]
    assert [text for text in texts if text.startswith("breaks the rule plain-secret as main")]
    assert found["verdict"] == "dangerous"
