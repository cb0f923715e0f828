"""Converts a model over tables in a confined process: no network, no keys, no home folder, no other file.

Opening a pickle runs the code that it holds. Here that code reads the file, the conversion's own packages and
the system's, and writes to one temporary folder; what it wrote is then checked outside.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from slipway.components.checkout import ROOT
from slipway.infra.confinement.command import confined, open_doors
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.child_environment import offline_environment, package_path

_MODULE = "slipway.modeltools.adding.tables.worker"
_MOST_SECONDS = 900
_MOST_CHARACTERS_SHOWN = 2000


def warning(source: str) -> str:
    """Return what a person must know before a pickle is opened."""
    doors = open_doors()
    kept = "without network, keys or home folder"
    limits = f"On this system that code can {' and '.join(doors)}." if doors else f"It runs {kept}."
    return f"{source} is a pickle: opening it runs the code that it holds. {limits}"


def converted(python: Path, kind: str, source: Path, folder: Path, home: Path, examples: Path | None) -> None:
    """Fill `folder` with the graph and what is known of the model.

    python: the interpreter that has the model's library. home: an empty folder for the process's own files.
    Raises Refused with the converter's sentence, or Failed.
    """
    options = ["--examples", str(examples)] if examples else []
    command = [str(python), "-m", _MODULE, kind, str(source), str(folder), *options]
    readable = [str(source), *_packages(python), str(ROOT), *([str(examples)] if examples else [])]
    line = confined(command, readable, [str(folder), str(home)])
    try:
        done = subprocess.run(
            line,
            cwd=home,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{source} was not converted within {_MOST_SECONDS} s, and was stopped.") from None
    if done.returncode:
        said = done.stderr.strip()[-_MOST_CHARACTERS_SHOWN:]
        if done.returncode == 2 and said:
            raise Refused(said.splitlines()[-1])
        raise Failed(f"{source} was not converted; its process ended with code {done.returncode}: {said}")


def _environment(home: Path) -> dict[str, str]:
    # One thread: the rows are few, and a pool would look for processors in places that are closed.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = {"PYTHONPATH": package_path(home), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(home)}
    return {**offline_environment(home), **threads, **path}


def _packages(python: Path) -> Sequence[str]:
    """Return the folders of an interpreter: its environment, and the installation that this is made of."""
    return [str(python.parent.parent), str(python.resolve().parent.parent)]
