"""Fills the project's one virtual environment from hash-locked lists; nothing is done twice.

Run as `python3 -m infra.setup.install SET`: `local` (the local stack and its server), `cloud` (every SDK on
top), `dev` (what tests and checks need on top). Standard library only: it runs before anything is there.
Compiles what it installs, also where PYTHONDONTWRITEBYTECODE is set: imports are 3 times as slow without.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

LISTS = {"local": "requirements-local.txt", "cloud": "requirements.txt", "dev": "requirements-dev.txt"}
PACKAGES = ("infra", "stacks", "components", "service", "modeltools")
OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
COMMAND = ENVIRONMENT / "bin" / "slipway"


def main() -> int:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in LISTS:
        print(f"install: got {name!r}; allowed: {', '.join(LISTS)}", file=sys.stderr)
        return 2
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(
            f"Slipway needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; this one is {sys.version.split()[0]}. "
            "Name another: `make PYTHON=python3.12 up`.",
            file=sys.stderr,
        )
        return 2
    if COMMAND.exists() and _stamp(name).exists() and _stamp(name).read_text() == _digest(name):
        return 0
    if ENVIRONMENT.is_symlink():
        print(
            f"{ENVIRONMENT} is a link to {ENVIRONMENT.readlink()}: installing would change that "
            "environment. Delete the link; this folder then gets a separate environment.",
            file=sys.stderr,
        )
        return 2
    begun = time.monotonic()
    try:
        _install(name)
    except subprocess.CalledProcessError as error:
        print(f"\n{error.output or ''}\nInstalling {LISTS[name]} failed; see above.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next run continues where this one stopped.", file=sys.stderr)
        return 2
    for included in {name, "local"}:  # every list holds the local one, at the same versions
        _stamp(included).write_text(_digest(included))
    print(f"Installed {LISTS[name]} in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0


def _stamp(name: str) -> Path:
    return ENVIRONMENT / f".installed-{name}"


def _digest(name: str) -> str:
    content = b"".join((ROOT / file).read_bytes() for file in (LISTS[name], "pyproject.toml"))
    return hashlib.sha256(content).hexdigest()


def _install(name: str) -> None:
    if not PYTHON.exists():
        _make_environment()
    listed = (ROOT / LISTS[name]).read_text()
    total = len(re.findall(r"^[A-Za-z0-9].*==", listed, re.MULTILINE))
    # Every package is in the list with its hash, so pip has nothing to resolve.
    _pip(["--require-hashes", "--no-deps", "-r", LISTS[name]], total)
    _pip(["--no-build-isolation", "--no-deps", "-e", "."], 0)
    subprocess.run([PYTHON, "-m", "compileall", "-q", *PACKAGES], cwd=ROOT, check=True)


def _make_environment() -> None:
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
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
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


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _progress(text: str) -> None:
    """On a terminal one line that changes; elsewhere each stage once."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif (text and not text.startswith("Fetching")) or text.startswith("Fetching 1/"):
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
