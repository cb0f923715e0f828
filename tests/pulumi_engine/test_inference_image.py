"""`InferenceImage` on the real engine: built by a recent BuildKit, pushed to a registry on this machine."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.checkout import copy_of_the_checkout
from tests.container.engine import default_python_image, trusted_certificates
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.container]

PLUGIN = "docker-build"
ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
PROGRAM = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from components.image import InferenceImage

image = InferenceImage("demo", json.loads(pulumi.Config().require("image")))
image.image_ref.apply(lambda ref: pulumi.info(f"known: {{ref}}"))
pulumi.export("image_ref", image.image_ref)
pulumi.export("memory", pulumi.Config().get("memory"))
"""


@pytest.fixture
def registry() -> str:
    """Address of a registry that needs no login."""
    if not {"SLIPWAY_TEST_BUILDER", "SLIPWAY_TEST_REGISTRY"} <= os.environ.keys():
        pytest.skip("SLIPWAY_TEST_BUILDER names no buildx builder, or SLIPWAY_TEST_REGISTRY no registry")
    return os.environ["SLIPWAY_TEST_REGISTRY"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the checkout with a new list of packages, so that the first build starts from nothing."""
    copy = copy_of_the_checkout(tmp_path / "checkout")
    with (copy / "service/requirements.txt").open("a") as file:
        file.write(f"# {uuid4().hex}\n")
    return copy


@pytest.fixture
def repository(registry: str) -> str:
    return f"{registry}/slipway-test-{uuid4().hex[:12]}"


@pytest.fixture
def engine(tmp_path: Path, repository: str, checkout: Path) -> Iterator[Engine]:
    """Run a program with one image; destroy it at the end."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    engine = engine_in(project(tmp_path / "project"), tmp_path / "backend")
    engine.timeout_seconds = 1800
    require_plugin(engine)
    engine("stack", "init", "dev")
    configure(engine, arguments(repository, checkout))
    yield engine
    engine("destroy", "--yes", "--skip-preview")


def require_plugin(engine: Engine) -> None:
    asked = ["pulumi", "plugin", "ls", "--json"]
    listed = subprocess.run(asked, env=engine.environment, capture_output=True, text=True, check=True)
    if PLUGIN in [plugin["name"] for plugin in json.loads(listed.stdout)]:
        return
    version = (ROOT / "requirements.in").read_text().partition("pulumi-docker-build==")[2].split()[0]
    command = ["pulumi", "plugin", "install", "resource", PLUGIN, version]
    installed = subprocess.run(command, env=engine.environment, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"the plugin {PLUGIN} {version} cannot be had: {installed.stderr.strip()}")


def project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: demo\nruntime:\n  name: python\n  options: {{virtualenv: {ROOT / '.venv'}}}\n"
    )
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def arguments(repository: str, checkout: Path, **more: Any) -> dict[str, Any]:
    """For this machine: its base image, its builder, its CA bundle."""
    args: dict[str, Any] = {
        "repository": repository,
        "source": str(checkout),
        "builder": os.environ["SLIPWAY_TEST_BUILDER"],
        "python_image": os.environ.get("SLIPWAY_TEST_PYTHON_IMAGE") or default_python_image(),
    }
    if trusted := trusted_certificates():
        args["ca"] = str(trusted)
    return args | more


def configure(engine: Engine, args: dict[str, Any]) -> None:
    engine("config", "set", "image", json.dumps(args))


def manifest(image_ref: str) -> dict[str, Any]:
    """Return what the registry has under a digest or a tag. Raises for a status of 400 and above."""
    found = re.fullmatch(r"([^/]+)/([^@:]+)[@:](.+)", image_ref)
    assert found, image_ref
    url = f"http://{found[1]}/v2/{found[2]}/manifests/{found[3]}"
    return httpx.get(url, headers={"Accept": ACCEPT}).raise_for_status().json()


def layers(image_ref: str) -> list[str]:
    return [layer["digest"] for layer in manifest(image_ref)["layers"]]


def test_it_is_built_pushed_cached_left_alone_and_built_again_for_a_change(
    engine: Engine, repository: str, checkout: Path, tmp_path: Path
) -> None:
    assert engine.up() == {"create": 3}
    first = engine.outputs()["image_ref"]
    assert re.fullmatch(rf"{re.escape(repository)}@sha256:[0-9a-f]{{64}}", first)
    assert len(layers(first)) >= 5
    assert len(manifest(f"{repository}:cache")["layers"]) > len(layers(first))

    engine("config", "set", "memory", "4Gi")
    assert f"known: {first}" in engine("preview")
    assert engine.preview()["changeSummary"] == {"same": 3}
    assert engine.up() == {"same": 3}
    assert engine.outputs()["image_ref"] == first

    (elsewhere := tmp_path / "another machine").mkdir()
    assert preview_elsewhere(engine, elsewhere, repository, checkout) == {"same": 3}

    with (checkout / "service/cpus.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    assert engine.preview()["changeSummary"] == {"same": 2, "update": 1}
    assert "known: " not in engine("preview"), "before the build nobody is given a wrong reference"
    assert engine.up() == {"same": 2, "update": 1}
    second = engine.outputs()["image_ref"]
    assert second != first
    assert layers(second)[:-1] == layers(first)[:-1]
    assert manifest(first), "the image before stays for a service that still names it"

    engine("destroy", "--yes", "--skip-preview")
    assert json.loads(engine("stack", "export"))["deployment"].get("resources", []) == []
    assert manifest(second), "what stays is the repository's clean-up to decide"


def preview_elsewhere(engine: Engine, folder: Path, repository: str, checkout: Path) -> dict[str, int]:
    """Preview the same stack from another path, with another umask, other times and stray files."""
    source = Path(shutil.copytree(checkout, folder / "checkout"))
    for path in source.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (2_000_000_000, 2_000_000_000))
    (source / "service/__pycache__").mkdir(exist_ok=True)
    (source / "service/__pycache__/stray.cpython-311.pyc").write_text("stray")
    there = Engine(project(folder / "project"), engine.environment, engine.timeout_seconds)
    there("stack", "select", "dev")
    shutil.copy(engine.project / "Pulumi.dev.yaml", there.project)
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    configure(there, arguments(repository, source, ca=str(folder / "ca.pem")))
    before = os.umask(0o077)
    try:
        return there.preview()["changeSummary"]
    finally:
        os.umask(before)


def test_a_finished_image_is_taken_without_a_build_and_the_built_one_stays(
    engine: Engine, repository: str
) -> None:
    engine.up()
    built = engine.outputs()["image_ref"]
    configure(engine, {"image": built})
    changes = engine.up()
    assert "create" not in changes
    assert engine.outputs()["image_ref"] == built
    assert layers(built)


def test_provenance_is_attached_beside_the_same_image(
    engine: Engine, repository: str, checkout: Path
) -> None:
    engine.up()
    plain = engine.outputs()["image_ref"].partition("@")[2]
    args = arguments(repository, checkout, provenance=True)
    args.pop("ca", None)  # nothing is downloaded again
    configure(engine, args)
    assert engine.up() == {"same": 1, "update": 2}
    index = manifest(engine.outputs()["image_ref"])["manifests"]
    platforms = {entry["digest"]: entry["platform"]["architecture"] for entry in index}
    assert platforms.pop(plain) == "amd64"
    assert list(platforms.values()) == ["unknown"]
    assert engine.up() == {"same": 3}


def test_no_ca_bundle_stands_in_the_state_or_the_image(
    engine: Engine, checkout: Path, tmp_path: Path
) -> None:
    trusted = trusted_certificates()
    if trusted is None:
        pytest.skip("this machine has no CA bundle")
    mark = f"mark-{uuid4().hex}"
    (tmp_path / "ca.pem").write_text(f"# {mark}\n{trusted.read_text()}")
    args = json.loads(engine("config", "get", "image").splitlines()[0])
    configure(engine, args | {"ca": str(tmp_path / "ca.pem")})
    engine.up()
    assert mark not in engine("stack", "export")
    assert "ca.pem" not in engine("stack", "export")
