"""The wheel, installed next to a repository that has folders of the same names as Slipway's own."""

import json
import os
import re
import site
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from slipway.components.image.context import content_digest
from tests.checkout import ROOT, copy_of_the_checkout
from tests.components.image.conftest import files_of

pytestmark = pytest.mark.long  # builds and installs a wheel: 20 s

LOCAL = "config:\n  shop:target: local\n  shop:port: '{port}'\n  shop:memory: 512Mi\n  shop:model: {model}\n"
DEV = (
    "config:\n  shop:target: cloud-run\n  shop:project: acme-ml\n  shop:region: europe-west4\n"
    "  shop:memory: 1Gi\n"
)
# The program that the guide shows.
_GUIDE = (ROOT / "docs/guides/components.md").read_text()
[PROGRAM] = re.findall(r"^```python\n(.*?)^```$", _GUIDE, re.MULTILINE | re.DOTALL)
# Runs in the project, with its folder first on the path, and prints what it finds as JSON.
LOOK = """\
import contextlib, io, json, os, runpy, sys
from pathlib import Path

import components, infra, service
from slipway.infra.cli.app import main as command
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of

plan = plan_of(lambda: runpy.run_path('program.py'), StackConfig("shop", "own", {}, frozenset(), {}))
[build] = [each for each in plan.resources if each.name == "spam-image-build"]
sys.argv = ["slipway", "preview", "local", "dev", "--format", "json"]
said = io.StringIO()
with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
    command()
names = {}
for name, module in list(sys.modules.items()):
    if name != "__main__" and getattr(module, "__file__", None):
        names.setdefault(os.path.realpath(module.__file__), []).append(name)
import slipway
package = os.path.dirname(slipway.__file__)
print(json.dumps({
    "package": package,
    "own": [components.WHOSE, infra.WHOSE, service.WHOSE],
    "types": sorted(each.type for each in plan.resources),
    "revision": build.inputs["buildArgs"]["REVISION"],
    "staged": sum(path.is_file() for path in Path(".slipway/context").rglob("*")),
    "previewed": [stack["name"] for stack in json.loads(said.getvalue())["stacks"]],
    "loaded": sum(file.startswith(package) for file in names),
    "twice": [each for file, each in names.items() if file.startswith(package) and len(each) > 1],
}))
"""


@dataclass(frozen=True)
class Installed:
    """wheel: the file. python: of an environment in which nothing of this checkout can be imported."""

    wheel: Path
    python: Path
    checkout: Path

    @property
    def slipway(self) -> Path:
        return self.python.with_name("slipway")

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "NO_COLOR": "1", "COLUMNS": "200"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel in a fresh environment, which finds this one's packages but not its Slipway."""
    scratch = tmp_path_factory.mktemp("package")
    checkout = copy_of_the_checkout(scratch / "checkout")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *options, "--no-build-isolation", "-w", str(scratch), str(checkout)]
    subprocess.run(build, check=True, timeout=120)
    [wheel] = scratch.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(scratch / "venv")], check=True)
    python = scratch / "venv/bin/python"
    [packages] = (scratch / "venv/lib").glob("python*/site-packages")
    (packages / "others.pth").write_text("".join(f"{folder}\n" for folder in site.getsitepackages()))
    install = [*pip, "--python", str(python), "install", *options, "--no-compile", str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    return Installed(wheel, python, checkout)


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Path:
    """Create a user's own project, with a program and folders `infra/`, `components/` and `service/`."""
    for name in ("infra", "components", "service"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("WHOSE = 'theirs'\n")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text(LOCAL.format(port=free_port, model="bundled:sms-spam"))
    (tmp_path / "Pulumi.dev.yaml").write_text(DEV)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def run(installed: Installed, project: Path, *command: str | Path) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        cwd=project,
        env=installed.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_one_top_level_name_and_nothing_of_tests_benchmarks_or_policies(
    installed: Installed,
) -> None:
    with ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"slipway"}
    inside = {name.split("/")[1] for name in names if name.startswith("slipway/")}
    own = {"components", "infra", "modeltools", "service", "stacks"}
    data = {".dockerignore", ".github", "CHANGELOG.md", "LICENSE"}
    assert inside == own | data | {"__init__.py", "py.typed"}


def test_an_empty_folder_becomes_a_project_with_workflows_and_is_previewed(
    installed: Installed, tmp_path: Path
) -> None:
    address = "https://example.com/slipway-0.2.0-py3-none-any.whl"
    run(installed, tmp_path, installed.slipway, "init", "--yes", "--name", "tried", "--from", address)
    workflows = tmp_path / ".github/workflows"
    assert len(list(workflows.glob("slipway-*.yml"))) == 7
    assert "infra.setup" not in (workflows / "slipway-preview.yml").read_text()
    assert address in (tmp_path / "requirements-slipway.txt").read_text()
    assert "local" in run(installed, tmp_path, installed.slipway, "preview")
    (tmp_path / ".slipway-version").write_text("0.1.0\n")
    assert "Replaces resources" in run(installed, tmp_path, installed.slipway, "changes", "--all")


def test_components_and_the_command_work_next_to_folders_of_the_same_names(
    installed: Installed, shop: Path
) -> None:
    (shop / "look.py").write_text(LOOK)
    found = json.loads(run(installed, shop, installed.python, "look.py"))
    assert not Path(found["package"]).is_relative_to(installed.checkout)
    assert found["own"] == ["theirs"] * 3
    assert "gcp:cloudrunv2/service:Service" in found["types"]
    assert "docker-build:index:Image" in found["types"]
    assert found["previewed"] == ["local", "dev"]
    assert found["loaded"] > 100
    assert found["twice"] == []


def test_the_image_is_built_from_the_same_bytes_as_in_a_checkout(installed: Installed, shop: Path) -> None:
    (shop / "look.py").write_text(LOOK)
    found = json.loads(run(installed, shop, installed.python, "look.py"))
    files = files_of(installed.checkout)
    assert found["revision"] == f"sha256:{content_digest(files)}"
    assert found["staged"] == len(files)


def test_a_folder_of_the_project_is_in_the_context_of_an_image(installed: Installed, shop: Path) -> None:
    """Of a model that the package does not know, only what its manifest lists."""
    bundled, mine = installed.checkout / "service/models/sms-spam", shop / "models/mine"
    mine.mkdir(parents=True)
    manifest = json.loads((bundled / "manifest.json").read_text()) | {"name": "mine"}
    (mine / "manifest.json").write_text(json.dumps(manifest))
    for name in manifest["files"]:
        (mine / name).write_bytes((bundled / name).read_bytes())
    (mine / "notebook.ipynb").write_text("{}")
    (shop / "Pulumi.dev.yaml").write_text(f"{DEV}  shop:model: file:models/mine\n")
    shown = json.loads(run(installed, shop, installed.slipway, "preview", "dev", "--format", "json"))
    context = shop / ".slipway/context"
    staged = {path.relative_to(context).as_posix() for path in (context / "model").rglob("*.*")}
    assert staged == {f"model/mine/{name}" for name in ("manifest.json", *manifest["files"])}
    for name in manifest["files"]:
        assert (context / "model/mine" / name).read_bytes() == (bundled / name).read_bytes()
    weights = manifest["files"]["model.onnx"]["sha256"][:12]
    assert f"mine-{manifest['version']}+{weights}" in json.dumps(shown)


@pytest.mark.parametrize("model", ["bundled:sms-spam", "file:models/mine"])
def test_the_local_stack_runs_from_the_package(installed: Installed, shop: Path, model: str) -> None:
    """A model in a folder is found below the project, not below the package."""
    slipway = installed.slipway
    stack = shop / "Pulumi.local.yaml"
    stack.write_text(stack.read_text().replace("bundled:sms-spam", model))
    (shop / "models").mkdir()
    (shop / "models/mine").symlink_to(installed.checkout / "service/models/sms-spam")
    try:
        assert json.loads(run(installed, shop, slipway, "up", "--format", "json"))["result"] == "created"
        status = json.loads(run(installed, shop, slipway, "status", "--format", "json"))
        assert (status["state"], status["model"]) == ("ready", model)
        assert json.loads(run(installed, shop, slipway, "up", "--format", "json"))["result"] == "unchanged"
    finally:
        stopped = json.loads(run(installed, shop, slipway, "down", "--format", "json"))
    assert stopped["stopped"] is True


def test_a_preview_a_cost_and_a_comparison_with_a_commit_work_without_a_checkout(
    installed: Installed, shop: Path
) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        run(installed, shop, *git, *arguments)
    dev = shop / "Pulumi.dev.yaml"
    dev.write_text(dev.read_text().replace("1Gi", "2Gi"))
    slipway = installed.slipway
    assert "dev" in run(installed, shop, slipway, "cost", "dev")
    shown = run(installed, shop, slipway, "preview", "--against", "HEAD", "--format", "json")
    report = json.loads(shown)
    assert {stack["name"] for stack in report["stacks"]} == {"local", "dev"}
    assert report["against"]["notes"] == []
    changes = {stack["name"]: stack["changes"]["resources"] for stack in report["stacks"]}
    assert changes["local"] == []
    assert [each["action"] for each in changes["dev"]] == ["update", "update"]
