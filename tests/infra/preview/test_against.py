"""`slipway preview --against`: the other side of a comparison, from a clean checkout."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.errors import Refused
from slipway.infra.preview import other_commit as base_module
from slipway.infra.preview import other_program
from slipway.infra.preview.other_commit import Planning, checkout_of
from slipway.infra.preview.report import VERSION, plans_of
from tests.infra.command import COMMAND, refused, slipway
from tests.infra.repository import commit, git, repository_in, write_stack

LOCAL = {"target": "local", "memory": "1Gi"}


@pytest.fixture
def with_program(started: Path) -> Iterator[Path]:
    """As it was at its start, before and after each test."""
    yield started
    git(started, "reset", "--hard", "--quiet", "start")
    git(started, "clean", "-fdq")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a repository with the program and only the local stack, which imports no cloud's SDK."""
    folder = repository_in(tmp_path_factory.mktemp("against") / "project")
    for file in folder.glob("Pulumi.*.yaml"):
        file.unlink()
    write_stack(folder, "local", LOCAL)
    commit(folder, "Local alone")
    git(folder, "tag", "start")
    return folder


@pytest.fixture
def repository(project: Path) -> Path:
    """Create a small repository: stack files without a program."""
    git(project, "init", "--initial-branch", "main")
    commit(project, "Start")
    return project


def own_slipway(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command of that checkout."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_change_is_shown_and_the_work_tree_and_git_are_left_alone(with_program: Path) -> None:
    write_stack(with_program, "local", {**LOCAL, "memory": "2Gi"})
    (with_program / "untracked.txt").write_text("mine")
    state = git(with_program, "status", "--porcelain"), git(with_program, "worktree", "list")
    done = own_slipway(with_program, "preview", "--against", "start", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["schema"], report["version"]) == ("slipway-preview", VERSION)
    assert report["against"]["commit"] == git(with_program, "rev-parse", "start")
    [stack] = report["stacks"]
    assert [(each["path"], each["before"], each["after"]) for each in stack["changes"]["settings"]] == [
        ("memory", "1Gi", "2Gi")
    ]
    paths = {
        change["name"]: [each["path"] for each in change["changes"]]
        for change in stack["changes"]["resources"]
    }
    assert paths == {"slipway-local": ["memory_gib"], "slipway-local-process": ["memory_gib"]}
    assert "raises the memory limit from 1 to 2 GiB" in [risk["text"] for risk in stack["risks"]]
    assert (git(with_program, "status", "--porcelain"), git(with_program, "worktree", "list")) == state


@pytest.mark.parametrize("file", ["components/local/component.py", "infra/cli/app.py"])
def test_a_program_that_does_not_run_there_is_named_with_file_and_line(with_program: Path, file: str) -> None:
    program = with_program / file
    text = program.read_text()
    program.write_text(text.replace("\nimport", "\nthis_name_is_nowhere\nimport", 1))
    line = program.read_text().splitlines().index("this_name_is_nowhere") + 1
    broken = commit(with_program, "Break it")
    git(with_program, "reset", "--hard", "--quiet", "start")
    with checkout_of(with_program, f"{broken}..") as base:
        planning = Planning(with_program, base, ["local"])
        with pytest.raises(Refused, match=rf"{file}:{line}: NameError.*this_name_is_nowhere"):
            planning.finish()


def test_a_program_that_does_not_run_here_is_named_with_file_and_line(with_program: Path) -> None:
    program = with_program / "stacks/local.py"
    text = program.read_text()
    program.write_text(text.replace("    args = ", "    missing()\n    args = ", 1))
    line = program.read_text().splitlines().index("    missing()") + 1
    done = own_slipway(with_program, "preview")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"stacks/local.py:{line}: NameError: name 'missing' is not defined" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cloud_that_the_program_asks_is_named_with_the_way_out(with_program: Path) -> None:
    program = with_program / "stacks/local.py"
    text = program.read_text()
    ask = 'import pulumi\n    pulumi.runtime.invoke("aws:index:getZones", {})\n    args = '
    program.write_text(text.replace("args = ", ask, 1))
    done = own_slipway(with_program, "preview")
    assert (done.returncode, done.stdout) == (2, "")
    assert "aws:index:getZones, which needs the cloud" in done.stderr
    assert "pass the value in as a setting" in done.stderr


def test_a_commit_without_a_preview_is_planned_by_todays_program(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    (repository / "slipway/infra").mkdir(parents=True)
    (repository / "slipway/infra/program.py").touch()
    with checkout_of(repository, "main") as base:
        Planning(repository, base, ["local"]).finish()
        assert [each.name for each in base.plans["local"].resources if each.custom] == [
            "slipway-local-process"
        ]
    assert "has no `slipway preview --format json`" in " ".join(base.notes)
    assert not base.root.exists()


def test_a_project_without_slipways_code_is_planned_by_the_package_whatever_its_folders_are_called(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("infra/preview", "infra/cli"):
        (repository / name).mkdir(parents=True)
        (repository / name / "__init__.py").write_text("raise SystemExit('not of Slipway')\n")
    commit(repository, "Add folders of its own")
    monkeypatch.chdir(repository)
    with checkout_of(repository, "main") as base:
        Planning(repository, base, ["local"]).finish()
        assert "slipway-local-process" in [each.name for each in base.plans["local"].resources]
    assert base.notes == []


def test_a_stack_that_is_new_or_gone_is_shown_as_such(repository: Path) -> None:
    (repository / "Pulumi.local.yaml").rename(repository / "Pulumi.other.yaml")
    stacks = {
        stack["name"]: (stack["changes"]["kind"], stack["changes"]["counts"])
        for stack in json.loads(
            slipway(repository, "preview", "--against", "main", "--format", "json").stdout
        )["stacks"]
    }
    assert stacks == {"local": ("deleted", {"delete": 1}), "other": ("new", {"create": 1})}
    shown = slipway(repository, "preview", "local", "--against", "main").stdout
    assert "pulumi destroy --stack local" in " ".join(shown.split())


def test_a_plan_takes_a_line_for_each_resource_and_no_line_is_cut_in_a_pipe(repository: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    shown = subprocess.run(
        [*COMMAND, "preview", "local"], cwd=repository, env=environment, capture_output=True, text=True
    ).stdout
    assert "memory_gib" not in shown
    assert "1 resource in 1 component; `--details` shows their inputs." in shown
    command = [*COMMAND, "preview", "local", "--details", "--set", "minInstances=1"]
    detailed = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True).stdout
    assert "memory_gib: 1" in detailed
    assert max(map(len, detailed.splitlines())) > 80


def test_a_stack_that_is_refused_is_shown_beside_the_others(repository: Path) -> None:
    write_stack(repository, "local", {**LOCAL, "memory": "64Mi"})
    write_stack(repository, "other", LOCAL)
    done = slipway(repository, "preview", "--against", "main")
    assert done.returncode == 2
    assert "lowers the memory limit below what the model needs" in done.stdout
    assert "adds the stack other" in done.stdout
    assert "was measured to need" in done.stderr


def test_an_unknown_ref_is_refused_with_the_way_to_find_one(repository: Path) -> None:
    message = refused(repository, "preview", "--against", "nowhere")
    assert "'nowhere', which is no commit here" in message
    assert "git fetch" in message


def test_a_branch_that_only_the_remote_has_is_named(repository: Path) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run(["git", "update-ref", "refs/remotes/origin/release/2", commit], cwd=repository, check=True)
    assert "The remote has it: `--against origin/release/2`." in refused(
        repository, "preview", "--against", "release/2"
    )


@pytest.mark.parametrize("ref", ["--help", "", " ", "main:Pulumi.yaml"])
def test_what_is_no_ref_is_refused(repository: Path, ref: str) -> None:
    with pytest.raises(Refused, match="which is no commit here"), checkout_of(repository, ref):
        pass


def test_a_folder_without_git_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    with pytest.raises(Refused, match="needs a git repository"), checkout_of(project, "main"):
        pass


def test_a_missing_git_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="needs git, which is not on PATH"), checkout_of(repository, "main"):
        pass


def test_a_stack_without_a_file_is_refused(repository: Path) -> None:
    assert "There is no stack 'nothing'" in refused(repository, "preview", "nothing", "--against", "main")


def test_a_project_in_a_folder_of_the_repository_is_found(repository: Path) -> None:
    inner = repository / "inner"
    inner.mkdir()
    for file in repository.glob("Pulumi*.yaml"):
        git(repository, "mv", file.name, f"inner/{file.name}")
    moved = commit(repository, "Move")
    with checkout_of(inner, moved) as base:
        assert base.stacks == ("local",)
    with checkout_of(inner, "main~1") as base:
        assert (base.stacks, "every stack is new" in " ".join(base.notes)) == ((), True)


def test_other_packages_are_told(repository: Path) -> None:
    (repository / "requirements.txt").write_text("pulumi==3.1.0 \\\n    --hash=sha256:0\n")
    old = commit(repository, "Old")
    (repository / "requirements.txt").write_text("pulumi==3.2.0 \\\n    --hash=sha256:0\n")
    with checkout_of(repository, old) as base:
        [note] = base.notes
    assert "pulumi 3.1.0 there, 3.2.0 here" in note


def test_a_newer_preview_is_refused_and_an_older_one_read() -> None:
    root = {"urn": "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev", "type": "pulumi:pulumi:Stack"}
    old: dict[str, Any] = {
        "stacks": [
            {
                "name": "dev",
                "resources": [{**root, "name": "demo-dev", "parent": None, "inputs": {}, "dependencies": []}],
                "outputs": {},
                "findings": [],
            }
        ],
    }
    assert plans_of(old, "main")["dev"].resources[0].custom is False
    with pytest.raises(Refused, match=rf"version {VERSION + 1}; this slipway reads up to {VERSION}"):
        plans_of({**old, "version": VERSION + 1}, "main")
    with pytest.raises(Refused, match="cannot be read"):
        plans_of({"stacks": [{"name": "x", "resources": []}]}, "main")


def test_a_preview_that_never_ends_is_ended_with_what_it_started(
    with_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = "import time; time.sleep(600)"
    with_a_child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}]); {sleep}"
    monkeypatch.setattr(other_program, "_COMMAND", with_a_child)
    monkeypatch.setattr(base_module, "_TIMEOUT_SECONDS", 0.2)
    with checkout_of(with_program, "start") as base:
        planning = Planning(with_program, base, ["local"])
        with pytest.raises(Refused, match="did not end within"):
            planning.finish()


def test_settings_that_were_refused_there_leave_the_stack_without_a_comparison(with_program: Path) -> None:
    write_stack(with_program, "local", {**LOCAL, "memory": "64Mi"})
    write_stack(with_program, "other", LOCAL)
    wrong = commit(with_program, "Too little")
    git(with_program, "reset", "--hard", "--quiet", "start")
    with checkout_of(with_program, f"{wrong}..") as base:
        Planning(with_program, base, ["local", "other"]).finish()
    assert set(base.plans) == {"other"}
    assert "was measured to need" in base.failed["local"]
