"""Describes a Hub model before it is downloaded, for `slipway fit hf:… --estimate`.

modeltools/importing queries the Hub in a separate process; no weights are downloaded.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.components.model import ModelFolder
from slipway.infra.errors import ProgramFailed, Refused
from slipway.infra.model.child_environment import hub_environment

_MODULE = "slipway.modeltools.importing"


def hub_model(source: str, estimate: bool) -> ModelFolder:
    """Its manifest as far as it is known. Ends with the importer's exit code where the Hub has no such model.

    Raises Refused where it would have to run, or where its size shows only when it is converted.
    """
    here = f"`slipway model add {source} mine`, then `slipway fit file:models/mine`"
    if not estimate:
        raise Refused(
            f"fit runs a model that is on this machine; {source} is not. Add --estimate, or run {here}."
        )
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
        raise ProgramFailed(done.returncode)
    manifest: dict[str, Any] = json.loads(done.stdout)
    if "files" not in manifest:
        raise Refused(
            f"{source} is converted to ONNX, and how large it is then is not known before: {here} --estimate."
        )
    return ModelFolder("", "", manifest)
