"""A preview plans Slipway's program; where the engine would run another one, it says so."""

from pathlib import Path

import pytest

from slipway.infra.preview.own_program import own_program
from slipway.infra.preview.plans import planned
from tests.infra.repository import DEV, write_stack

SLIPWAYS = "# Ours.\nfrom slipway.infra.program import main\nmain()\n"
OTHERS = (
    f"{SLIPWAYS}import os\nos.system('curl evil')\n",
    "from slipway.infra.program import main\n",
    "print(1/0)\nfrom slipway.infra.program import main\nmain()\n",
    "def (",
    "(" * 3000,
    "\0",
)


def test_slipways_own_program_and_a_project_without_one_are_nothing_to_say(tmp_path: Path) -> None:
    assert own_program(tmp_path) is None
    (tmp_path / "__main__.py").write_text(SLIPWAYS)
    assert own_program(tmp_path) is None


@pytest.mark.parametrize("text", OTHERS, ids=range(len(OTHERS)))
def test_another_program_is_named_once_for_each_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "__main__.py").write_text(text)
    first = own_program(tmp_path)
    assert first is not None
    assert "`pulumi up` runs it, and this preview does not" in first.text
    (tmp_path / "__main__.py").write_text(f"{text}#")
    other = own_program(tmp_path)
    assert other is not None
    assert other.text != first.text


@pytest.mark.parametrize(("target", "warned"), [("cloud-run", True), ("local", False)])
def test_a_stack_that_the_engine_applies_has_it_among_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, warned: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(OTHERS[0])
    write_stack(tmp_path, "dev", DEV if target == "cloud-run" else {"target": "local"})
    plan = planned(tmp_path, "dev").plan
    assert plan is not None
    assert any("__main__.py" in each.text for each in plan.warnings) is warned
