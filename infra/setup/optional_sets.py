"""Installs what only some stacks need, such as the library of jobs, when a stack first needs it.

A checkout gets it in its environment, with hashes, as `make` installs everything there; what `make up`
installs stays as small as it is. An installed package is left alone: its owner chooses the extras.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import invalidate_caches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from slipway.components.checkout import IS_CHECKOUT, ROOT
from slipway.infra.errors import Failed, Refused
from slipway.infra.setup.optional_lists import MAIN_PACKAGES, OPTIONAL_LISTS

_PIN = "^{package}==(\\S+)"


def require_set(name: str, needed_by: str, say: Callable[[str], None]) -> None:
    """Install the set if it is missing or of another version; say so.

    name: of OPTIONAL_LISTS. needed_by: what in the stack needs it, such as "`jobs: true`". Raises Refused
    where this is no environment of a checkout, Failed if the installation does.
    """
    if is_installed(name):
        return
    if not IS_CHECKOUT or not _is_own_environment():
        raise Refused(
            f"{needed_by} needs {MAIN_PACKAGES[name]}, which is not installed. Install the extra "
            f"`{name}`: `pip install 'slipway[{name}]'`."
        )
    say(f"Installing {OPTIONAL_LISTS[name]}, once, for {needed_by}")
    _install(name)
    invalidate_caches()


def is_installed(name: str) -> bool:
    """Return whether the set's main package is there; in a checkout, at the version that the list pins."""
    package = MAIN_PACKAGES[name]
    try:
        installed = version(package)
    except PackageNotFoundError:
        return False
    return not IS_CHECKOUT or installed == _pinned(name)


def _pinned(name: str) -> str:
    listed = (ROOT / OPTIONAL_LISTS[name]).read_text(encoding="utf-8")
    found = re.search(_PIN.format(package=MAIN_PACKAGES[name]), listed, re.MULTILINE)
    if found is None:
        raise Failed(f"{OPTIONAL_LISTS[name]} does not pin {MAIN_PACKAGES[name]}.")
    return found[1]


def _is_own_environment() -> bool:
    """Return whether this interpreter is that of the checkout's environment, which may be changed."""
    return Path(sys.prefix).resolve() == (ROOT / ".venv").resolve()


def _install(name: str) -> None:
    command = [sys.executable, "-m", "infra.setup.install", name]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode or not is_installed(name):
        said = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise Failed(f"{OPTIONAL_LISTS[name]} could not be installed:\n{said}")
