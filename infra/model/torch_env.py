"""The environment with torch, .venv-train, that creates models: where it is, and how to run it.

It contains nothing that serves, and torch is in no other environment: 2.9 GB to download, 5.7 GB on the disk.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.components.checkout import IMPORT_PATH, IS_CHECKOUT, ROOT
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.child_environment import offline_environment

_NAME = ".venv-train"
_LIST = ROOT / "modeltools" / "requirements-train.txt"


def environment() -> Path:
    """Return its folder: in the checkout, or of an installed Slipway in the project."""
    return ROOT / _NAME if IS_CHECKOUT else Path(_NAME).absolute()


def how_it_is_made() -> str:
    """Return the shell commands that make it, in words."""
    if IS_CHECKOUT:
        return "`make train-env` creates it"
    pip = f"{_NAME}/bin/pip install --no-deps"
    return f"These create it: `python3 -m venv {_NAME} && {pip} --require-hashes -r {_LIST} && {pip} slipway`"


def training_python() -> Path:
    """Return the training environment's interpreter. Raises Refused if there is no such environment."""
    python = environment() / "bin" / "python"
    if not python.exists():
        raise Refused(
            f"This needs torch in a separate environment, {_NAME}, which is missing. "
            f"{how_it_is_made()}; it downloads 2.9 GB once."
        )
    return python


def beside_torch() -> dict[str, str]:
    """Variables with which this interpreter finds torch too. Raises Refused, as `training_python` does."""
    training_python()
    found = [str(path) for path in environment().glob("lib/python*/site-packages")]
    return {"PYTHONPATH": os.pathsep.join([*IMPORT_PATH, *found])}


def printed_by(module: str, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """Run a module of the service with this interpreter and further variables, and return what it prints.

    It opens untrusted models, so it has neither the caller's environment nor its home. Raises Refused (exit
    code 2) or Failed with what it prints on standard error.
    """
    with TemporaryDirectory(prefix="slipway-") as home:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env={**offline_environment(Path(home)), **_import_path(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = done.stderr.strip() or f"{module} ended with code {done.returncode}."
        raise Refused(said) if done.returncode == 2 else Failed(said)
    return done.stdout


def _import_path() -> dict[str, str]:
    """Without the caller's: an interpreter finds an installed Slipway by itself."""
    return {"PYTHONPATH": os.pathsep.join(IMPORT_PATH)}
