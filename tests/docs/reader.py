"""A reader who follows a page's commands: an empty folder, or a fresh checkout with what `make up` installs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT, copy_of_the_checkout
from tests.docs.pages import Block

_SLIPWAY = """#!/bin/sh
# Another program may have the port that a new project's stack names.
test ! -f Pulumi.local.yaml || sed -i 's/"8000"/"{port}"/' Pulumi.local.yaml
exec env PYTHONPATH={code} {python} -c 'import sys; sys.argv[0] = "slipway"; from slipway.infra.cli.app import main; main()' "$@"
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
    """Runs blocks one after the other in one shell's folder, with its exported variables lost in between.

    The shell's state travels with it: each block starts in the folder where the last one ended.
    """

    def __init__(self, folder: Path, port: int) -> None:
        """folder: empty; the checkout, the programs and the reader's own folder are made in it."""
        self._code = copy_of_the_checkout(folder / "code")
        self._venv, self._programs = folder / "venv", folder / "programs"
        self._program(
            self._venv / "bin/slipway", _SLIPWAY.format(port=port, code=self._code, python=sys.executable)
        )
        self._program(self._venv / "bin/activate", _ACTIVATE)
        self._program(self._programs / "make", _MAKE.format(venv=self._venv))
        self._as_a_repository()
        self._where = folder / "where"
        self._home = folder / "here"
        self._home.mkdir()
        self._folder: Path | None = None
        self._path = f"{self._programs}:{os.environ['PATH']}"

    def follow(self, block: Block) -> None:
        """Run a block. Fails with what it printed if one of its commands does."""
        if self._folder is None:
            self._folder = self._start(block)
        script = block.text.replace("<this repository>", str(self._code))
        script = f'{script}\n{{ pwd; echo "$PATH"; }} > {self._where}'
        done = self._bash(script, self._folder)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        folder, self._path = self._where.read_text().splitlines()
        self._folder = Path(folder)

    def leave(self) -> None:
        """Stop whatever a block that failed has left running."""
        if self._folder is not None:
            subprocess.run(
                [self._venv / "bin/slipway", "down"], cwd=self._folder, check=False, capture_output=True
            )

    def _start(self, block: Block) -> Path:
        """Return an empty folder for a page that begins there, else a checkout that has its environment."""
        if block.text.startswith(("git clone ", "mkdir ")):
            self._path = (
                f"{self._venv / 'bin'}:{self._path}" if block.text.startswith("mkdir") else self._path
            )
            return self._home
        (self._code / ".venv").symlink_to(self._venv)
        self._path = f"{self._venv / 'bin'}:{self._path}"
        return self._code

    def _bash(self, script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "PATH": self._path, "NO_COLOR": "1", "COLUMNS": "110"}
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def _program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def _as_a_repository(self) -> None:
        """Commit the checkout to `main`, which a page compares with."""
        for arguments in (
            ("init", "-q", "-b", "main"),
            ("add", "-A"),
            ("-c", "user.name=reader", "-c", "user.email=reader@example.com", "commit", "-qm", "All"),
        ):
            subprocess.run(["git", *arguments], cwd=self._code, check=True, capture_output=True)
        assert (self._code / "Pulumi.yaml").is_file(), ROOT
