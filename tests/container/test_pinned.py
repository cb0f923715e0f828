"""The image's packages are those the tests ran with. Needs no Docker."""

import re

from tests.container.engine import ROOT


def pinned(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


def test_every_package_of_the_image_has_the_version_of_the_local_stack() -> None:
    image, local = pinned("service/requirements.txt"), pinned("requirements-local.txt")
    assert image.items() <= local.items()
    assert {"fastapi", "onnxruntime", "tokenizers", "uvicorn"} <= image.keys()


def test_torch_and_what_comes_with_it_have_the_versions_that_models_are_trained_and_exported_with() -> None:
    torch, train = pinned("service/requirements-torch.txt"), pinned("modeltools/requirements-train.txt")
    assert torch.items() <= train.items()
    assert {"torch", "transformers", "safetensors"} <= torch.keys()
    assert not torch.keys() & pinned("service/requirements.txt").keys()


def test_the_cuda_version_of_the_image_is_that_of_the_cuda_runtime_it_holds() -> None:
    runtime = pinned("service/requirements-torch.txt")["nvidia-cuda-runtime"]
    dockerfile = (ROOT / "service/Dockerfile").read_text()
    told = re.search(r"^ARG CUDA_VERSION=(\S+)$", dockerfile, re.MULTILINE)
    assert told
    assert runtime.startswith(f"{told[1]}.")
