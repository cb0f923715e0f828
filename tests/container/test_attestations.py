"""What BuildKit attaches to an image leaves the image itself as it is."""

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.container.conftest import Builder
from tests.container.engine import docker

pytestmark = pytest.mark.container

# BuildKit's scanner protocol: what lies in this folder is attached. github.com/moby/buildkit,
# docs/attestations/sbom-protocol.md. Docker Hub's own scanner is asked in the same way.
SCANNER = """
import json, os
statement = {
    "_type": "https://in-toto.io/Statement/v0.1",
    "predicateType": "https://spdx.dev/Document",
    "predicate": {"spdxVersion": "SPDX-2.3", "name": os.environ["BUILDKIT_SCAN_SOURCE"]},
}
with open(os.environ["BUILDKIT_SCAN_DESTINATION"] + "/sbom.spdx.json", "w") as file:
    json.dump(statement, file)
"""


def test_sbom_and_provenance_stand_beside_the_same_image(
    builder: Builder, recent_builder: str, tmp_path: Path
) -> None:
    name = f"{os.environ['SLIPWAY_TEST_REGISTRY']}/slipway-test-{uuid4().hex[:12]}"
    scanner = _scanner(builder, recent_builder, f"{name}-scanner", tmp_path)
    plain = _pushed(builder, recent_builder, name, tmp_path, "--provenance=false")
    attested = _pushed(
        builder,
        recent_builder,
        name,
        tmp_path,
        "--provenance=mode=max",
        f"--attest=type=sbom,generator={scanner}",
    )
    assert attested != plain
    index = _inspected(f"{name}@{attested}")["manifests"]
    (attestations,) = [entry for entry in index if entry["digest"] != plain]
    assert attestations["annotations"]["vnd.docker.reference.digest"] == plain
    kinds = {
        layer["annotations"]["in-toto.io/predicate-type"]
        for layer in _inspected(f"{name}@{attestations['digest']}")["layers"]
    }
    assert {kind.split("/v")[0] for kind in kinds} == {
        "https://spdx.dev/Document",
        "https://slsa.dev/provenance",
    }


def _scanner(builder: Builder, recent_builder: str, name: str, folder: Path) -> str:
    (folder / "scanner").mkdir()
    (folder / "scanner/scan.py").write_text(SCANNER)
    (folder / "scanner/Dockerfile").write_text(
        f'FROM {builder.python_image}\nCOPY scan.py /\nENTRYPOINT ["python", "/scan.py"]\n'
    )
    docker(
        "buildx", "build", f"--builder={recent_builder}", "--quiet", "--provenance=false",
        f"--output=type=image,name={name},push=true", ".",
        cwd=folder / "scanner",
    )  # fmt: skip
    return name


def _pushed(builder: Builder, recent_builder: str, name: str, folder: Path, *options: str) -> str:
    """Push a build and return its digest: of the image, or of the index around it."""
    metadata = folder / "metadata.json"
    docker(
        "buildx", "build", f"--builder={recent_builder}", "--quiet", "--file=service/Dockerfile",
        f"--build-arg=PYTHON_IMAGE={builder.python_image}",
        *([f"--secret=id=ca,src={builder.ca}"] if builder.ca else []),
        f"--metadata-file={metadata}", f"--output=type=image,name={name},push=true", *options, ".",
        cwd=builder.folder,
    )  # fmt: skip
    return json.loads(metadata.read_text())["containerimage.digest"]


def _inspected(reference: str) -> dict[str, Any]:
    return json.loads(docker("buildx", "imagetools", "inspect", "--raw", reference))
