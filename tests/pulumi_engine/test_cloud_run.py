"""`CloudRunService` on the real engine, with stand-ins for the providers: no account, no cloud."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pulumi_engine import standin
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in

pytestmark = pytest.mark.pulumi_engine

# What a program outside this repository says.
PROGRAM = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import pulumi
from components.cloud_run import CloudRunService
config = pulumi.Config()
service = CloudRunService("api", {{
    "model": "bundled:sms-spam", "project": "acme-prod", "region": "europe-west4", "public": True,
    "image_ref": "europe-west4-docker.pkg.dev/acme/slipway/api@sha256:" + "a" * 64,
    "memory_gib": float(config.require("memory")), "deletion_protection": False,
    "secret_values": {{"HF_TOKEN": config.require_secret("token")}}}})
pulumi.export("url", service.url)
pulumi.export("key", service.api_key)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def engine(tmp_path: Path, log: Path) -> Iterator[Engine]:
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    project = tmp_path / "demo"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        f"name: demo\nruntime:\n  name: python\n  options: {{virtualenv: {ROOT / '.venv'}}}\n"
    )
    (project / "__main__.py").write_text(PROGRAM)
    engine = engine_in(project, tmp_path / "backend")
    engine.environment |= {
        "PULUMI_HOME": str(tmp_path / "home"),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }
    with standin.standing_in(log, "gcp", "random") as environment:
        engine.environment |= environment
        engine("stack", "init", "dev")
        engine("config", "set", "memory", "2")
        engine("config", "set", "--secret", "token", "hush-hush")
        yield engine
        engine("destroy", "--yes", "--skip-preview")


def done(log: Path, since: int = 0) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [(line["call"], line["name"]) for line in lines[since:]]


def pinned(engine: Engine) -> dict[str, str]:
    """Environment name -> the version of the secret that the service was given."""
    resources = json.loads(engine("stack", "export"))["deployment"]["resources"]
    service = next(r for r in resources if r["type"] == "gcp:cloudrunv2/service:Service")
    envs = service["inputs"]["template"]["containers"][0]["envs"]
    return {e["name"]: e["valueSource"]["secretKeyRef"]["version"] for e in envs if "valueSource" in e}


def test_a_service_is_made_resized_rolled_by_a_new_secret_and_taken_down(engine: Engine, log: Path) -> None:
    assert engine.up() == {"create": 39}
    made = [name for _, name in done(log)]
    for before in (
        "api-run-api",
        "api-HF_TOKEN-access",
        "api-MODEL_API_KEY-access",
        "api-MODEL_API_KEY-version",
    ):
        assert made.index(before) < made.index("api-service")
    assert made.index("api-service") < made.index("api-invoker-allUsers")
    assert engine.outputs()["url"] == "https://api-123456789012.europe-west4.run.app"

    assert engine.up() == {"same": 39}
    assert len(done(log)) == len(made)

    engine("config", "set", "memory", "4")
    engine.up()
    assert done(log, len(made)) == [("update", "api-service")]

    assert pinned(engine) == {"HF_TOKEN": "1", "MODEL_API_KEY": "1"}
    engine("config", "set", "--secret", "token", "hush-again")
    engine.up()
    assert done(log, len(made) + 1) == [
        ("create", "api-HF_TOKEN-version"),
        ("update", "api-service"),
        ("delete", "api-HF_TOKEN-version"),  # of the state only: the provider is told to abandon it
    ]
    assert pinned(engine) == {"HF_TOKEN": "2", "MODEL_API_KEY": "1"}

    assert "hush" not in engine("stack", "export") + engine("preview", "--json", "--diff")
    engine("destroy", "--yes", "--skip-preview")
    deleted = [name for call, name in done(log) if call == "delete"]
    assert deleted.index("api-service") < deleted.index("api-MODEL_API_KEY-access")
