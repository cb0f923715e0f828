"""A checkout says in a sentence why it cannot be installed or run, and leaves nothing half-made."""

import ast
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.infra.setup.environment import NEWEST
from slipway.infra.setup.pip_failures import cause_of

ROOT = Path(__file__).parents[3]
BEFORE_ANYTHING = [
    ROOT / "infra/__init__.py",
    ROOT / "infra/setup/interrupt.py",
    *(
        ROOT / "infra/setup" / f"{name}.py"
        for name in ("install", "installation", "environment", "optional_lists", "pip_failures")
    ),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout that has what runs before anything is installed."""
    root = tmp_path / "checkout"
    (root / "infra/setup").mkdir(parents=True)
    (root / "infra/setup/__init__.py").write_text("")
    for file in BEFORE_ANYTHING:
        shutil.copy(file, root / file.relative_to(ROOT))
    for name in ("Makefile", "pyproject.toml", "requirements-local.txt"):
        shutil.copy(ROOT / name, root)
    return root


def environment_of(owner: Path, folder: Path) -> None:
    """Make the files by which an environment names the checkout that it was installed for."""
    packages = folder / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "__editable__.slipway-0.2.0.pth").write_text(f"{owner}\n")
    (folder / "bin").mkdir()
    (folder / "bin/slipway").write_text("#!/bin/sh\necho ran\n")
    (folder / "bin/slipway").chmod(0o755)


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, also where another make runs the tests."""
    of_the_outer_make = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return subprocess.run(
        ["make", f"PYTHON={sys.executable}", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if name not in of_the_outer_make},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_down_before_up_says_that_nothing_was_started(checkout: Path) -> None:
    done = make(checkout, "down")
    assert (done.returncode, done.stdout) == (0, "Nothing was started in this checkout; `make up` does.\n")


def test_status_before_up_names_the_command_that_installs(checkout: Path) -> None:
    done = make(checkout, "status")
    assert done.stderr.startswith("Nothing is installed in this checkout yet; `make up` installs")
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_not_there_is_named(checkout: Path) -> None:
    assert "There is no python9 on the PATH" in make(checkout, "PYTHON=python9", "up").stderr


@pytest.mark.parametrize("target", ["up", "down", "status"])
def test_an_environment_linked_from_another_checkout_is_refused(
    checkout: Path, tmp_path: Path, target: str
) -> None:
    environment_of(tmp_path / "other", tmp_path / "other/.venv")
    (checkout / ".venv").symlink_to(tmp_path / "other/.venv")
    done = make(checkout, target)
    assert done.returncode
    assert "ran" not in done.stdout
    assert f"which is the environment of {tmp_path / 'other'}" in done.stderr
    assert (checkout / ".venv").is_symlink()


def test_a_moved_checkout_says_where_it_was(checkout: Path, tmp_path: Path) -> None:
    environment_of(tmp_path / "before", checkout / ".venv")
    done = make(checkout, "status")
    assert f"This checkout was at {tmp_path / 'before'} when it was installed" in done.stderr
    assert done.returncode
    assert "ran" not in done.stdout


def test_an_environment_of_this_checkout_runs(checkout: Path) -> None:
    environment_of(checkout.resolve(), checkout / ".venv")
    assert make(checkout, "status").stdout == "ran\n"


def test_a_second_installation_waits_for_the_first(checkout: Path) -> None:
    code = (
        "import sys; from infra.setup.environment import alone\n"
        "with alone(): print('in', flush=True); sys.stdin.readline()"
    )

    def installation() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    with installation() as first:
        assert first.stdout
        assert first.stdout.readline() == "in\n"
        with installation() as second:
            assert second.stderr
            assert second.stderr.readline() == "Waiting for another installation into this folder\n"
            first.communicate("\n", timeout=60)
            assert second.communicate("\n", timeout=60)[0] == "in\n"


def test_what_runs_first_parses_on_the_oldest_pythons_that_systems_ship() -> None:
    for file in BEFORE_ANYTHING:
        tree = ast.parse(file.read_text(), feature_version=(3, 8))
        uses_types = any(isinstance(node, ast.FunctionDef) and node.returns for node in ast.walk(tree))
        imports = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not uses_types or file.name == "install.py" or "__future__" in imports, file


def test_a_newer_python_on_the_path_is_named(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "python3.12").write_text("#!/bin/sh\n")
    (tmp_path / "python3.12").chmod(0o755)
    code = (
        "import sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (main)'; sys.argv = ['x', 'local']\n"
        "from infra.setup.install import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"Slipway needs Python 3.11 to 3.{NEWEST[1]}; this one is 3.9.2. "
        "python3.12 is installed: `make PYTHON=python3.12 up`.\n"
    )


def test_a_dead_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@proxy.example:3128")
    cause = cause_of("WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.'")
    assert cause
    assert "the proxy proxy.example:3128." in cause
    assert "secret" not in cause


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("NewConnectionError('...: Failed to establish a new connection", "cannot be reached"),
    ],
)
def test_pip_failures_have_a_cause(output: str, cause: str) -> None:
    assert cause in (cause_of(output) or "")


def test_an_unknown_failure_of_pip_is_left_to_its_own_words() -> None:
    assert cause_of("ERROR: something else") is None


def test_an_interrupt_while_modules_load_is_one_sentence() -> None:
    code = (
        "import sys, time; from slipway.infra.setup.interrupt import quiet_while_loading\n"
        "with quiet_while_loading():\n    print('loading', flush=True); time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (2, "\nInterrupted before anything was started.\n")
