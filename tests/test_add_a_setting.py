"""docs/guides/add-a-setting.md: its one declaration is all that a new setting takes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from slipway.stacks.settings import checks
from slipway.stacks.settings.setting import Setting
from tests.checkout import copy_of_the_checkout
from tests.docs.pages import commands

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/add-a-setting.md").read_text()
[DECLARATION] = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
[COMMANDS] = commands(GUIDE)


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """With the clone's own code, and this checkout's environment."""
    env = os.environ | {"PYTHONPATH": str(clone)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def apis_of_the_service(clone: Path, *options: str) -> set[str]:
    done = run(clone, "-m", "slipway.infra.cli", "preview", "dev", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    resources = json.loads(done.stdout)["stacks"][0]["resources"]
    apis = [each for each in resources if each["type"] == "gcp:projects/service:Service"]
    return {each["inputs"]["service"] for each in apis if ":CloudRunService$" in each["urn"]}


def test_one_declaration_makes_a_setting_of_an_argument(tmp_path: Path) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    module = clone / "stacks/settings/cloud_run.py"
    module.write_text(module.read_text().rstrip("\n") + "\n" + DECLARATION)
    make, preview = COMMANDS.splitlines()
    assert make == "make reference"
    written = run(clone, "-m", "slipway.infra.reference")
    assert written.returncode == 0, written.stderr
    assert "enableApis" in (clone / "Pulumi.yaml").read_text()
    assert "| `enableApis` | flag |" in (clone / "docs/reference/settings/cloud-run.md").read_text()
    options = preview.partition("preview dev ")[2].split()
    project = ("--set", "project=acme-ml")
    assert "run.googleapis.com" in apis_of_the_service(clone, *project)
    assert apis_of_the_service(clone, *options) == set()
    refused = run(clone, "-m", "slipway.infra.cli", "preview", "dev", "--set", "enableApis=on", *project)
    assert "enableApis: got 'on'; allowed: true, false. Did you mean true?" in refused.stderr


def test_the_guide_names_every_part_of_a_declaration_and_only_checks_that_there_are() -> None:
    parts = set(Setting.__dataclass_fields__) - {"key", "check", "description", "field"}
    assert parts == set(re.findall(r"^\| `([a-z]+)` \|", GUIDE, re.MULTILINE))
    [row] = re.findall(r"^\| check \|.*$", GUIDE, re.MULTILINE)
    for name in re.findall(r"`([a-z_]+)\(", row):
        assert callable(getattr(checks, name))
