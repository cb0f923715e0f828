"""What the README says is what happens: its commands run, its tables are the code's."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.reference.pages import files
from tests.checkout import copy_of_the_checkout, give_environment
from tests.docs.pages import commands

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMPONENTS = (ROOT / "docs/guides/components.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_reference_is_what_the_code_would_write() -> None:
    for path, text in files().items():
        assert (ROOT / path).read_text() == text, f"{path} is not what `make reference` writes"


def test_the_program_that_imports_the_components_plans_its_image_and_its_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [program] = blocks("python", COMPONENTS)
    (tmp_path / "program.py").write_text(program)
    monkeypatch.chdir(tmp_path)

    def main() -> None:
        runpy.run_path("program.py")

    plan = plan_of(main, StackConfig("shop", "own", {}, frozenset(), {}))
    types = {resource.type for resource in plan.resources}
    assert {"slipway:index:InferenceImage", "slipway:index:CloudRunService"} <= types
    assert "url" in plan.outputs


@pytest.mark.long
def test_the_program_that_imports_the_components_passes_the_strictest_type_checker(tmp_path: Path) -> None:
    [program] = blocks("python", COMPONENTS)
    (tmp_path / "program.py").write_text(f"# pyright: strict\n{program}")
    command = [Path(sys.executable).with_name("pyright"), "--pythonpath", sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z][a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def run(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def quick_start(clone: Path, port: int) -> None:
    """Run the README's shell blocks word by word after the clone, on a free port."""
    settings = clone / "Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace('"8000"', f'"{port}"'))
    first, second, *_ = commands(README)
    clone_line, up = first.strip().split("\n")
    assert clone_line.startswith("git clone ")
    said = run(up, clone)
    line = next(line for line in said.splitlines() if " | curl " in line)
    assert json.loads(run(line, clone))["label"] == "spam"
    try:
        said = run(second, clone)
    finally:
        subprocess.run([".venv/bin/slipway", "down"], cwd=clone, check=False, capture_output=True)
    assert "local is ready" in said
    assert '"label":"spam"' in said
    assert '"route":"/predict"' in said
    assert "Stack local is stopped." in said


def test_the_quick_start_runs_word_by_word(tmp_path: Path, free_port: int) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    give_environment(clone)
    quick_start(clone, free_port)


@pytest.mark.long
def test_the_quick_start_runs_in_a_clone_where_nothing_is_installed(tmp_path: Path, free_port: int) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    quick_start(clone, free_port)
    installed = os.listdir(
        clone / ".venv/lib/" / next(p.name for p in (clone / ".venv/lib").iterdir()) / "site-packages"
    )
    assert not [name for name in installed if name.startswith(("torch", "pulumi_", "transformers"))]
    shutil.rmtree(clone)
