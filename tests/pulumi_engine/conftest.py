import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import copy_of_the_checkout
from tests.cluster.conftest import api, cluster, plane_folder
from tests.pulumi_engine.serving import run_cli

__all__ = ["api", "cluster", "plane_folder"]  # fixtures of the tests marked `cluster`
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Engine:
    """A project folder, and the real `pulumi` with a file backend of its own."""

    project: Path
    environment: dict[str, str]
    timeout_seconds: float = 300

    def __call__(self, *arguments: str, ok: bool = True) -> str:
        return run_cli(self.project, self.environment, self.timeout_seconds, *arguments, ok=ok)

    def up(self, *arguments: str, ok: bool = True) -> dict[str, int]:
        """Run `up` and return the engine's counts of changes."""
        self("up", "--yes", "--skip-preview", *arguments, ok=ok)
        if not ok:
            return {}
        return json.loads(self("stack", "history", "--json", "--page-size", "1"))[0]["resourceChanges"]

    def preview(self) -> dict[str, Any]:
        return json.loads(self("preview", "--json"))

    def outputs(self) -> dict[str, str]:
        return json.loads(self("stack", "output", "--json", "--show-secrets"))


def engine_in(project: Path, backend: Path) -> Engine:
    backend.mkdir()
    environment = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PULUMI_HOME")
    }
    environment |= {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return Engine(project, environment)


@pytest.fixture
def engine(tmp_path: Path, free_port: int) -> Iterator[Engine]:
    """Copy this project with its local stack on a free port; destroy it at the end."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    engine = engine_in(clone, tmp_path / "backend")
    engine("stack", "init", "local")
    engine("config", "set", "port", str(free_port))
    yield engine
    engine("destroy", "--yes", "--skip-preview")
