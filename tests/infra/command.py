"""The `slipway` command in a process of its own: `COMMAND` as it starts, `slipway` with its imports done."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from slipway.stacks.settings.common import TARGETS
from tests.forked import Command

COMMAND = [sys.executable, "-c", "from slipway.infra.cli.app import main; main()"]
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
# What commands import when they are called: readers of a plan, stacks, and of the SDKs what these use.
_IMPORTS = [
    *("pydantic.main", "pydantic.root_model", "pydantic.type_adapter"),
    *(f"slipway.infra.targets.{name.replace('-', '_')}" for name in TARGETS),
    *(f"slipway.stacks.{path.stem}" for path in sorted((ROOT / "stacks").glob("[a-z]*.py"))),
    *("slipway.infra.advise.report", "slipway.infra.cli.preview", "slipway.infra.cli.up"),
    *("slipway.infra.cost.report", "slipway.infra.manifests.folder", "slipway.infra.model.fit_report"),
    *("slipway.infra.policy.judge", "slipway.infra.preview.command"),
    *("pulumi_gcp.artifactregistry", "pulumi_gcp.cloudrun", "pulumi_gcp.cloudrunv2", "pulumi_gcp.container"),
    *("pulumi_gcp.projects", "pulumi_gcp.secretmanager", "pulumi_gcp.serviceaccount"),
    *("pulumi_aws.appautoscaling", "pulumi_aws.cloudwatch", "pulumi_aws.ec2", "pulumi_aws.ecr"),
    *("pulumi_aws.ecs", "pulumi_aws.iam", "pulumi_aws.lb", "pulumi_aws.secretsmanager", "pulumi_aws.vpc"),
    *("pulumi_kubernetes.apps.v1", "pulumi_kubernetes.autoscaling.v2", "pulumi_kubernetes.core.v1"),
    *("pulumi_kubernetes.meta.v1", "pulumi_kubernetes.networking.v1", "pulumi_kubernetes.policy.v1"),
    "pulumi_docker_build",
]
_SLIPWAY = Command("slipway.infra.cli.app:main", _IMPORTS, ENVIRONMENT)


def slipway(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return _SLIPWAY.run(arguments, project, {**ENVIRONMENT, **environment}, timeout=60)


def pasted(project: Path, said: str) -> str:
    """Run the request that `up` prints, and return the answer. `slipway` is the one of this module."""
    line = next(line for line in said.splitlines() if " | curl " in line)
    command, _, request = line.partition(" | ")
    header = slipway(project, *command[command.index("output ") :].split()).stdout
    done = subprocess.run(request, shell=True, input=header, capture_output=True, text=True, check=True)
    return done.stdout


def report(project: Path, *arguments: str) -> dict[str, Any]:
    done = slipway(project, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(project: Path, *arguments: str, **environment: str) -> str:
    """Return the message of a refusal: exit code 2, nothing on standard output, no traceback."""
    done = slipway(project, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr
