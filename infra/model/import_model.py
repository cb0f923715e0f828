"""Has a model of Transformers or the Hub converted where torch is.

The conversion is modeltools/importing, in an environment of its own; this only calls it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.infra.errors import ProgramFailed
from slipway.infra.model.child_environment import hub_environment, package_path
from slipway.infra.model.conversion_env import TORCH

_MODULE = "slipway.modeltools.importing"


def imported(source: str, folder: Path, options: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Convert a model and return the new folder's manifest. Raises ProgramFailed if the converter fails.

    source: `hf:<owner>/<name>@<commit>`, or a folder. What cannot be served is refused before torch is
    installed.
    """
    line = [source, str(folder.resolve()), *options]
    if not TORCH.is_made():
        _run(sys.executable, [*line, "--check"], hub_environment())
    python = str(TORCH.require(say))
    with TemporaryDirectory(prefix="slipway-") as home:
        given = hub_environment()
        paths = [given.get("PYTHONPATH", ""), package_path(Path(home))]
        _run(python, line, given | {"PYTHONPATH": os.pathsep.join(filter(None, paths))})
    return json.loads((folder / "manifest.json").read_bytes())


def _run(python: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Its progress and its fault are on standard error as they come."""
    line = [python, "-m", _MODULE, *arguments]
    folder = ROOT if IS_CHECKOUT else None
    quiet = subprocess.DEVNULL
    done = subprocess.run(line, cwd=folder, env=environment, stdin=quiet, stdout=quiet, check=False)
    if done.returncode:
        raise ProgramFailed(done.returncode)
