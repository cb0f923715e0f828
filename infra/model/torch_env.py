"""The environment with torch, .venv-train, in which models are made: where it is, and how it is asked.

Nothing that serves is in it, and torch is in no other: 2.9 GB to download, 5.7 GB on the disk.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.components.checkout import ROOT
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.child_environment import offline_environment

ENVIRONMENT = ROOT / ".venv-train"


def training_python() -> Path:
    """Raises Refused where the environment is not there."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise Refused(
            f"This needs torch, which has an environment of its own, {ENVIRONMENT.name}, and that is not "
            "here. `make train-env` makes it; it downloads 2.9 GB once."
        )
    return python


def beside_torch() -> dict[str, str]:
    """Variables with which this interpreter finds torch too. Raises Refused, as `training_python` does."""
    training_python()
    found = [str(path) for path in ENVIRONMENT.glob("lib/python*/site-packages")]
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *found])}


def printed_by(module: str, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """What a module of the service prints, run by this interpreter with further variables.

    It opens models that may be anybody's, so it has neither the caller's environment nor its home. Raises
    Refused or Failed with what it says on standard error, as its exit code 2 or another tells.
    """
    with TemporaryDirectory(prefix="slipway-") as home:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env={**offline_environment(Path(home)), "PYTHONPATH": str(ROOT), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = done.stderr.strip() or f"{module} ended with code {done.returncode}."
        raise Refused(said) if done.returncode == 2 else Failed(said)
    return done.stdout
