"""The image's packages are those the tests ran with. Needs no Docker."""

import re

from tests.container.engine import ROOT


def pinned(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


def test_every_package_of_the_image_has_the_version_of_the_local_stack() -> None:
    image, local = pinned("service/requirements.txt"), pinned("requirements-local.txt")
    assert image.items() <= local.items()
    assert {"fastapi", "onnxruntime", "tokenizers", "uvicorn"} <= image.keys()
