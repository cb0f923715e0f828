"""Fills the project's one virtual environment from hash-locked lists; nothing is done twice.

Run as `python3 -m infra.setup.install SET`: `local` (the local stack and its server), `cloud` (every SDK on
top), `dev` (what tests and checks need on top), or one that only some stacks need, which comes into an
environment that is there. Standard library only: it runs before anything is there.
Compiles what it installs, also where PYTHONDONTWRITEBYTECODE is set: imports are 3 times as slow without.
`ready` installs nothing: it says whether the commands of this checkout can run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

from infra.setup import environment
from infra.setup.environment import ENVIRONMENT, ROOT
from infra.setup.optional_lists import OPTIONAL_LISTS
from infra.setup.pip_failures import cause_of

LISTS = {
    "local": "requirements-local.txt",
    "cloud": "requirements.txt",
    "dev": "requirements-dev.txt",
    **OPTIONAL_LISTS,
}
PACKAGES = ("infra", "stacks", "components", "service", "modeltools")
PYTHON = ENVIRONMENT / "bin" / "python"


def main() -> int:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in {*LISTS, "ready"}:
        print(f"install: got {name!r}; allowed: {', '.join(LISTS)}, ready", file=sys.stderr)
        return 2
    try:
        if name == "ready":
            environment.check_ready()
            return 0
        environment.check_python()
        environment.check_link()
        if _complete(name):
            return 0
        environment.check_folder()
        with environment.alone():
            return 0 if _complete(name) else _install_and_report(name)
    except environment.NotInstallable as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"Installing into {ENVIRONMENT} failed: {error.filename or ''} {error.strerror}.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next run continues where this one stopped.", file=sys.stderr)
        return 2


def _complete(name: str) -> bool:
    stamp = _stamp(name)
    fresh = environment.moved_from() is None and environment.COMMAND.exists() and stamp.exists()
    return fresh and stamp.read_text() == _digest(name)


def _install_and_report(name: str) -> int:
    begun = time.monotonic()
    try:
        _install(name)
    except subprocess.CalledProcessError as error:
        output = error.output or ""
        cause = cause_of(output)
        print(f"\n{_last_lines(output) if cause else output}", file=sys.stderr)
        print(f"Installing {LISTS[name]} failed: {cause or 'see above.'}", file=sys.stderr)
        return 1
    for included in {name} if name in OPTIONAL_LISTS else {name, "local"}:  # the others hold the local one
        _stamp(included).write_text(_digest(included))
    print(f"Installed {LISTS[name]} in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0


def _last_lines(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if line.startswith("ERROR"))


def _stamp(name: str) -> Path:
    return ENVIRONMENT / f".installed-{name}"


def _digest(name: str) -> str:
    content = b"".join((ROOT / file).read_bytes() for file in (LISTS[name], "pyproject.toml"))
    return hashlib.sha256(content).hexdigest()


def _install(name: str) -> None:
    if name in OPTIONAL_LISTS:
        environment.check_ready()
        _pip(["--require-hashes", "--no-deps", "-r", LISTS[name]], _count(name))
        return
    old = environment.moved_from()
    if old:
        print(f"This checkout was at {old} when .venv was made; making it again", file=sys.stderr)
        shutil.rmtree(ENVIRONMENT)
    if not PYTHON.exists():
        _make_venv()
    # Every package is in the list with its hash, so pip has nothing to resolve.
    _pip(["--require-hashes", "--no-deps", "-r", LISTS[name]], _count(name))
    _pip(["--no-build-isolation", "--no-deps", "-e", "."], 0)
    subprocess.run([PYTHON, "-m", "compileall", "-q", *PACKAGES], cwd=ROOT, check=True)


def _count(name: str) -> int:
    """Count the packages of a list."""
    return len(re.findall(r"^[A-Za-z0-9].*==", (ROOT / LISTS[name]).read_text(), re.MULTILINE))


def _make_venv() -> None:
    print(f"Making {ENVIRONMENT.name} with Python {sys.version.split()[0]}", file=sys.stderr)
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        hint = "This Python cannot make environments; on Debian and Ubuntu: apt install python3-venv."
        error.output = f"{error.output.decode(errors='replace')}\n{hint}"
        raise
    except BaseException:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise


def _pip(arguments: list[str], total: int) -> None:
    """Run pip with one line of progress; all it said is printed only if it fails."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    said: list[str] = []
    seen = 0
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_variables()
    ) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if total and line.startswith(("Collecting ", "Requirement already")):
                seen += 1
                _progress(f"Fetching {seen}/{total}")
            elif total and line.startswith("Installing collected"):
                _progress(f"Unpacking and compiling {total} packages")
    if total:
        _progress("")
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, "".join(said))


def _variables() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _progress(text: str) -> None:
    """On a terminal one line that changes; elsewhere each stage once."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif (text and not text.startswith("Fetching")) or text.startswith("Fetching 1/"):
        print(text, file=sys.stderr, flush=True)
