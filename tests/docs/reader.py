"""A reader who follows a page's commands in an empty folder, or in a checkout with its environment."""

import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import copy_of_the_checkout
from tests.docs.pages import Block

_SLIPWAY = """#!/bin/sh
# Another program may have the port that a new project's stack names.
test ! -f Pulumi.local.yaml || sed -i 's/"8000"/"{port}"/' Pulumi.local.yaml
exec env PYTHONPATH={code} {python} -c '
import sys
sys.argv[0] = "{slipway}"
from slipway.infra.cli.app import main
main()' "$@"
"""
# `make up` would see to the installation first, which here is this checkout's own.
_MAKE = """#!/bin/sh
case "$1" in
  up | down | status | logs) test -e .venv || ln -s {venv} .venv; exec .venv/bin/slipway "$1" ;;
  *) echo "the reader has no \\`make $1\\`" >&2; exit 2 ;;
esac
"""
_ACTIVATE = 'PATH="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd):$PATH"\n'


class Reader:
    """Runs blocks one after the other: each begins in the folder that the last one left, with its PATH."""

    def __init__(self, folder: Path, port: int) -> None:
        """folder: empty; the checkout, the programs and the reader's own folder are made in it."""
        self._code = copy_of_the_checkout(folder / "code")
        self._venv, self._where, self._home = folder / "venv", folder / "where", folder / "here"
        self._home.mkdir()
        self._slipway = self._venv / "bin/slipway"
        words = {"port": port, "code": self._code, "python": sys.executable, "slipway": self._slipway}
        _program(self._slipway, _SLIPWAY.format(**words))
        _program(self._venv / "bin/activate", _ACTIVATE)
        _program(folder / "programs/make", _MAKE.format(venv=self._venv))
        _commit_to_main(self._code)
        self._path = f"{folder / 'programs'}:{os.environ['PATH']}"
        self._folder: Path | None = None

    def follow(self, block: Block) -> None:
        """Run a block. Fails with what it printed if one of its commands does."""
        folder = self._folder or self._start(block)
        script = block.text.replace("<this repository>", str(self._code)).replace("<64 hex digits>", "0" * 64)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'{script}\n{{ pwd; echo "$PATH"; }} > {self._where}'],
            cwd=folder,
            env={**os.environ, "PATH": self._path, "NO_COLOR": "1", "COLUMNS": "110"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        where, self._path = self._where.read_text().splitlines()
        self._folder = Path(where)

    def leave(self) -> None:
        """Stop what a block that failed has left running."""
        if self._folder is not None:
            subprocess.run([self._slipway, "down"], cwd=self._folder, check=False, capture_output=True)

    def _start(self, block: Block) -> Path:
        """Return the folder in which a page begins.

        A page that clones or makes a folder begins in an empty one; another in a checkout, after it has said
        how `slipway` comes on the PATH.
        """
        if not block.text.startswith("git clone "):
            self._path = f"{self._venv / 'bin'}:{self._path}"
        if block.text.startswith(("git clone ", "mkdir ")):
            return self._home
        (self._code / ".venv").symlink_to(self._venv)
        return self._code


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _commit_to_main(checkout: Path) -> None:
    author = ("-c", "user.name=reader", "-c", "user.email=reader@example.com")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*author, "commit", "-qm", "All")):
        subprocess.run(["git", *arguments], cwd=checkout, check=True, capture_output=True)
