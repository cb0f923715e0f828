"""The guide for jobs works from an empty folder: its commands are run in order, as a new user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import commands

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/guides/jobs.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.long
def test_the_guide_runs_from_an_empty_folder(tmp_path: Path, free_port: int) -> None:
    """The only change: a port that no other test uses."""
    begin = "slipway init --yes\n"
    port = f"sed -i 's|^config:|config:\\n  orders:port: \"{free_port}\"|' Pulumi.local.yaml\n"
    script = "".join(commands(GUIDE))
    assert begin in script
    script = script.replace(begin, f"{begin}sed -i '/:port:/d' Pulumi.local.yaml\n{port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'slipway down >&2' ERR\n{script}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    decoder = json.JSONDecoder()  # an answer has no line end of its own
    answers = [decoder.raw_decode(line)[0] for line in done.stdout.splitlines() if line.startswith('{"id"')]
    assert [each["state"] for each in answers] == ["succeeded", "succeeded"]
    assert answers[0]["result"]["label"] == "spam"
    lines = (tmp_path / "orders/files/out.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["ham", "spam"]
    assert "Its jobs are kept in .slipway/" in done.stdout


def test_the_readme_shows_a_job_in_four_lines() -> None:
    block = README.partition("## Work that takes longer than a request")[2].partition("```sh\n")[2]
    assert len(block.partition("```")[0].splitlines()) == 4
