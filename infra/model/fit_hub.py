"""What is known of a model of the Hub before it is fetched, for `slipway fit hf:… --estimate`.

The Hub is asked by modeltools/importing, in a process of its own; no weights are fetched.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.components.model import ModelFolder
from slipway.infra.errors import Refused
from slipway.infra.model.child_environment import hub_environment

_MODULE = "slipway.modeltools.importing"


def hub_model(source: str, estimate: bool) -> ModelFolder:
    """Its manifest as far as it is known. Ends with the importer's exit code where the Hub has no such model.

    Raises Refused where it would have to run, or where its size shows only when it is converted.
    """
    here = f"`slipway model export {source} models/mine`, then `slipway fit file:models/mine`"
    if not estimate:
        raise Refused(f"fit runs a model that lies here; {source} does not. Add --estimate; or {here}.")
    with TemporaryDirectory() as scratch:
        line = [sys.executable, "-m", _MODULE, source, str(Path(scratch) / "none"), "--check"]
        done = subprocess.run(
            line,
            cwd=ROOT if IS_CHECKOUT else None,
            env=hub_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        raise typer.Exit(done.returncode)
    manifest: dict[str, Any] = json.loads(done.stdout)
    if "files" not in manifest:
        raise Refused(
            f"{source} is converted to ONNX, and how large it is then is not known before: {here} --estimate."
        )
    return ModelFolder("", "", manifest)
