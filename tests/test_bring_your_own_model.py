"""docs/guides/bring-your-own-model.md: the commands that need no Hub are run word by word."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.checkout import copy_of_the_checkout
from tests.docs.pages import commands

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/bring-your-own-model.md").read_text()


def test_a_folder_of_your_own_is_made_and_served_as_the_guide_says(tmp_path: Path, free_port: int) -> None:
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    settings = clone / "Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace('"8000"', f'"{free_port}"'))
    script = "".join(commands(GUIDE))
    # `make` would see to the installation first, which here is this checkout's own.
    script = script.replace("make up", ".venv/bin/slipway up").replace("make down", ".venv/bin/slipway down")
    # The packages are those of this checkout, the code is the clone's.
    env = os.environ | {"PYTHONPATH": str(clone)}
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=clone,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        subprocess.run([".venv/bin/slipway", "down"], cwd=clone, env=env, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "file:models/mine with cpu 1" in done.stdout
    assert '"label":"spam"' in done.stdout
    assert '"model_version":"mine-1.0.0+' in done.stdout
    assert json.loads((clone / "models/mine/manifest.json").read_text())["name"] == "mine"


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z][a-z-]+)", GUIDE, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
