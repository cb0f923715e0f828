import faulthandler
import gc
import json
import shutil
import signal
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Machines are noisy: an example that takes long is no fault.
settings.register_profile("slipway", deadline=None)
settings.load_profile("slipway")

# A shell starts a job in the background with these ignored, and so would what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Import the tests without looking for garbage: on the SDKs' classes that takes a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Show where a process that does not come to its end stands, and end it as failed."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist waits here for the others
        faulthandler.dump_traceback_later(60, exit=True)


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def free_port() -> int:
    return a_free_port()


@pytest.fixture
def project(tmp_path: Path, free_port: int) -> Path:
    return project_in(tmp_path, free_port)


@pytest.fixture
def understated_model(tmp_path: Path) -> Path:
    """Copy the bundled model with a manifest that understates its need, so that only the limit stops it."""
    folder = shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "understated")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["measured"]["memory_mib"] = 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def project_in(folder: Path, port: int) -> Path:
    """Write this project's Pulumi.yaml and a local stack with this port into the folder, without its code."""
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    write_stack(folder, {"target": "local", "memory": "1Gi", "port": str(port)})
    return folder


def write_stack(project: Path, settings: dict[str, str], stack: str = "local") -> None:
    lines = "".join(f"  slipway:{key}: '{value}'\n" for key, value in settings.items())
    (project / f"Pulumi.{stack}.yaml").write_text(f"config:\n{lines}")
