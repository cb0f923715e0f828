"""What `make up` installs is enough for the command: nothing that a local stack needs imports an SDK."""

import subprocess
import sys

import pytest

from tests.checkout import ROOT

SDKS = ("pulumi_gcp", "pulumi_aws", "pulumi_kubernetes", "pulumi_docker", "pulumi_docker_build", "obstore")
PACKAGES = ("batch", "cli", "cost", "local", "model", "settings")
IMPORT = """
import importlib, sys
sys.modules.update(dict.fromkeys(sys.argv[2:]))  # whoever imports one of these gets an ImportError
for name in sys.argv[1].split():
    importlib.import_module(name)
"""


def modules(package: str) -> list[str]:
    files = sorted((ROOT / "infra" / package).rglob("*.py"))
    names = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in files]
    return [f"slipway.{name}" for name in names if not name.endswith(("__init__", "__main__"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_without_any_sdk(package: str) -> None:
    command = [sys.executable, "-c", IMPORT, " ".join(modules(package)), *SDKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
