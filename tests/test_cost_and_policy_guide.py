"""docs/guides/cost-and-policy.md: its commands are run word by word, and answer what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

from slipway.infra.cost.usage import Usage
from slipway.infra.policy.levels import level_of
from slipway.stacks.settings.readers import KEYS, RULES
from tests.checkout import copy_of_the_checkout
from tests.docs.pages import commands

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/cost-and-policy.md").read_text()
SLIPWAY = f'#!/bin/sh\nexec {sys.executable} -c "from slipway.infra.cli.app import main; main()" "$@"\n'


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_commands_work_and_answer_what_the_guide_shows(tmp_path: Path) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/slipway").write_text(SLIPWAY)
    (tmp_path / "bin/slipway").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(clone),
        "COLUMNS": "110",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(commands(GUIDE))],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answered = {line.rstrip() for line in done.stdout.splitlines()}
    lines = [line for block in blocks("text") for line in block.splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if line.rstrip() not in answered] == []
    assert (clone / "Pulumi.eu-small.yaml").is_file()


def test_its_tables_name_every_rule_with_its_level_and_every_assumption() -> None:
    for rule in RULES:
        assert re.search(rf"^\| `{rule}` \|.*\| {level_of(rule, 'prod', {})}", GUIDE, re.MULTILINE), rule
    for key, (field, *_) in KEYS.items():
        assumed = getattr(Usage(), field)
        shown = "as measured" if assumed is None else f"{assumed:,}"
        assert re.search(rf"^\| `{key}` \|.*\| {shown}", GUIDE, re.MULTILINE), key
