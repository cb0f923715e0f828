"""docs/guides/container.md, run word by word."""

import re
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.container.engine import ROOT, Image
from tests.docs.pages import commands

pytestmark = pytest.mark.container

GUIDE = (ROOT / "docs/guides/container.md").read_text()


def test_its_commands_run_in_their_order(
    image: Image, python_image: str, ca: Path | None, free_port: int, tags: list[str]
) -> None:
    """On a free port, with names of our own, and on the base of these tests; else as they stand."""
    name = f"slipway-test-{uuid4().hex[:8]}"
    tags.append(name)
    script = re.sub(r"\bslipway\b", name, "".join(commands(GUIDE))).replace(
        "127.0.0.1:8080", f"127.0.0.1:{free_port}"
    )
    here = f"--build-arg PYTHON_IMAGE={python_image} " + (f"--secret id=ca,src={ca} " if ca else "")
    script = script.replace("docker build ", f"docker build {here}")
    command = ["bash", "-euo", "pipefail", "-c", f"export DOCKER_BUILDKIT=1\n{script}"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"label":"spam"' in done.stdout
    assert '"route":"/predict"' in done.stdout
    assert '"model":"sms-spam"' in done.stdout
