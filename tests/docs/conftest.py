"""The site, built once for the tests that read it. They are skipped, and say so, without MkDocs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import ROOT


def mkdocs() -> str | None:
    """Return the program that `make docs` installs, or the one that SLIPWAY_MKDOCS or the PATH names."""
    own = ROOT / ".venv-docs/bin/mkdocs"
    return os.environ.get("SLIPWAY_MKDOCS") or (str(own) if own.exists() else shutil.which("mkdocs"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = mkdocs()
    if program is None:
        pytest.skip("MkDocs is not installed: `make docs` installs it, and then this test runs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [program, "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
