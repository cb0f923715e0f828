import json
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are noisy: an example that takes long is no fault.
settings.register_profile("slipway", deadline=None)
settings.load_profile("slipway")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path, free_port: int) -> Path:
    """A folder with this project's Pulumi.yaml and a local stack on a free port, but not its code."""
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    write_stack(tmp_path, {"target": "local", "memory": "1Gi", "port": str(free_port)})
    return tmp_path


@pytest.fixture
def understated_model(tmp_path: Path) -> Path:
    """The bundled model with a manifest that understates its need, so that only the limit itself stops it."""
    folder = shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "understated")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["measured"]["memory_mb"] = 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_stack(project: Path, settings: dict[str, str], stack: str = "local") -> None:
    lines = "".join(f"  slipway:{key}: '{value}'\n" for key, value in settings.items())
    (project / f"Pulumi.{stack}.yaml").write_text(f"config:\n{lines}")
