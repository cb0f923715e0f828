"""What only some stacks need is installed when one first needs it, from its list, with hashes."""

import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Never

import pytest

from slipway.infra.errors import Refused
from slipway.infra.setup import optional_sets
from slipway.infra.setup.optional_lists import MAIN_PACKAGES, OPTIONAL_LISTS
from slipway.infra.setup.optional_sets import is_installed, require_set
from tests.infra.setup.test_checkout_environment import checkout, environment_of

__all__ = ["checkout"]  # a fixture


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> Never:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(optional_sets, "version", version)


@pytest.mark.parametrize("name", OPTIONAL_LISTS)
def test_a_set_that_is_there_is_left_alone(name: str) -> None:
    assert is_installed(name)  # the environment of the tests has them all
    require_set(name, "a test", lambda step: pytest.fail(step))


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("name", OPTIONAL_LISTS)
def test_an_installed_package_is_not_changed_and_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(optional_sets, "IS_CHECKOUT", False)
    with pytest.raises(Refused, match=rf"needs {MAIN_PACKAGES[name]}.*pip install 'slipway\[{name}\]'"):
        require_set(name, "`jobs: true`", silent)


@pytest.mark.usefixtures("missing")
def test_another_environment_than_the_checkouts_own_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/usr")
    with pytest.raises(Refused, match="pip install"):
        require_set("jobs", "`jobs: true`", silent)


def test_another_version_than_the_list_pins_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_sets, "version", lambda package: "0.1")  # pyright: ignore
    assert not is_installed("jobs")


def wheel(folder: Path) -> Path:
    """Make a package `dbos` that has nothing but a name."""
    folder.mkdir()
    path = folder / "dbos-1.0-py3-none-any.whl"
    info = "dbos-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("dbos.py", "NAME = 'dbos'\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: dbos\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", f"dbos.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.mark.long
def test_a_checkout_gets_what_the_list_pins_with_its_hash_once(checkout: Path, tmp_path: Path) -> None:
    made = wheel(tmp_path / "wheels")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (checkout / "service").mkdir()
    listed = checkout / OPTIONAL_LISTS["jobs"]
    venv.create(checkout / ".venv", with_pip=True)
    packages = next((checkout / ".venv").glob("lib/python3*/site-packages"))
    environment_of(checkout, tmp_path / "of")
    (packages / "__editable__.slipway-0.2.0.pth").write_text(f"{checkout}\n")
    (checkout / ".venv/bin/slipway").write_text("")

    def installed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [checkout / ".venv/bin/python", "-m", "infra.setup.install", "jobs"],
            cwd=checkout,
            env={"PATH": os.defpath, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(made.parent)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    listed.write_text(f"dbos==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    wrong = installed()
    assert wrong.returncode == 1
    assert "Installing service/requirements-jobs.txt failed" in wrong.stderr
    listed.write_text(f"dbos==1.0 \\\n    --hash=sha256:{digest}\n")
    first = installed()
    assert first.returncode == 0, first.stderr
    assert "Installed service/requirements-jobs.txt in" in first.stderr
    assert (packages / "dbos.py").exists()
    assert installed().stderr == ""  # nothing is done twice
