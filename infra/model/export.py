"""`slipway model export`: has a model converted where torch is.

The conversion is modeltools/importing, in an environment of its own; this only calls it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.components.model_address import ModelAddress, Source
from slipway.infra.errors import ProgramFailed
from slipway.infra.model.child_environment import hub_environment
from slipway.infra.model.torch_env import environment, training_python

_MODULE = "slipway.modeltools.importing"


def exported(source: str, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """Export a model and return the new folder's manifest. Raises ProgramFailed if the converter fails.

    source: `hf:<owner>/<name>@<commit>`, or a folder. Raises Refused if torch is not installed.
    """
    source = source if ModelAddress.parse(source).source is Source.HUB else str(Path(source).resolve())
    line = [source, str(folder.resolve()), *options]
    if not environment().is_dir():  # what cannot be served is refused before torch is asked for
        _run(sys.executable, [*line, "--check"])
    _run(str(training_python()), line)
    return json.loads((folder / "manifest.json").read_bytes())


def _run(python: str, arguments: Sequence[str]) -> None:
    """Its progress and its fault are on standard error as they come."""
    line = [python, "-m", _MODULE, *arguments]
    folder = ROOT if IS_CHECKOUT else None
    done = subprocess.run(line, cwd=folder, env=hub_environment(), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ProgramFailed(done.returncode)
