"""What runs the model, on every target that builds an image: onnx or torch, with a GPU or without."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main

HUB = f"hf:acme/model@{'a' * 40}"
GOOGLE = {"project": "acme-ml", "region": "europe-west4"}
L4 = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi"}
# Whose driver on Cloud Run runs the CUDA of the image that is built here.
RTX = {"gpu": "nvidia-rtx-pro-6000", "cpu": "20", "memory": "80Gi"}
DIGEST = f"registry.example.com/acme/server@sha256:{'0' * 64}"
TARGETS: dict[str, dict[str, str]] = {
    "cloud-run": GOOGLE,
    "fargate": {"region": "eu-west-1"},
    "gke": {**GOOGLE, "cpu": "3", "memory": "8Gi"},
    "kubernetes": {"repository": "registry.example.com/acme/server"},
}


def planned_image(target: str, **values: str) -> Mapping[str, Any]:
    """Return the build arguments of the stack's image."""
    given = {"target": target, **TARGETS[target], **values}
    config = {f"slipway:{key}": value for key, value in given.items()}
    plan = plan_of(main, StackConfig("slipway", "prod", config, frozenset(), {}))
    return next(made.inputs for made in plan.resources if made.name == "slipway-prod-image-build")[
        "buildArgs"
    ]


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(
    ("values", "variant"),
    [
        ({}, "cpu"),
        ({"model": HUB}, "cpu"),
        ({"model": HUB, "backend": "torch"}, "torch-cpu"),
        ({"model": HUB, "task": "summarize"}, "cpu"),
        ({"model": HUB, "task": "summarize", "backend": "torch"}, "torch-cpu"),
        ({"model": HUB, "task": "generate", "backend": "torch"}, "torch-cpu"),
        ({"model": "gs://models/writer@1763721600000000", "task": "generate"}, "cpu"),
        (
            {"model": "gs://models/writer@1763721600000000", "task": "generate", "backend": "torch"},
            "torch-cpu",
        ),
    ],
)
def test_the_backend_chooses_the_variant_of_the_image(
    target: str, values: dict[str, str], variant: str
) -> None:
    build_args = planned_image(target, **values)
    assert build_args["VARIANT"] == variant
    writes = variant == "cpu" and "task" in values
    assert build_args.get("CTRANSLATE2") == ("1" if writes else None)
    expected = values.get("task", "classify") if "hf:" in values.get("model", "") else None
    assert build_args.get("TASK") == expected


@pytest.mark.parametrize("target", ["cloud-run", "gke", "kubernetes"])
@pytest.mark.parametrize("task", ["classify", "embed", "summarize", "generate"])
def test_a_gpu_gets_torch_with_cuda(target: str, task: str) -> None:
    sizes = RTX if target == "cloud-run" else {"gpu": "nvidia-l4"}
    assert planned_image(target, model=HUB, task=task, **sizes)["VARIANT"] == "cuda"


@pytest.mark.parametrize(
    ("target", "values", "told"),
    [
        *[
            (
                target,
                {"model": HUB, "task": "summarize", "backend": "onnx"},
                "backend is 'onnx' with `task` 'summarize'; allowed is 'torch' or 'ctranslate2'.",
            )
            for target in TARGETS
        ],
        (
            "gke",
            {"model": HUB, "task": "summarize", "backend": "ctranslate2", "gpu": "nvidia-l4"},
            "backend is 'ctranslate2' with `gpu` 'nvidia-l4', which would be idle: CTranslate2 computes",
        ),
        (
            "cloud-run",
            {"model": HUB, "backend": "ctranslate2"},
            "backend is 'ctranslate2' with `task` 'classify'; allowed is 'onnx' or 'torch'.",
        ),
        (
            "cloud-run",
            {"model": HUB, "backend": "onnx", **L4},
            "backend is 'onnx' with `gpu` 'nvidia-l4', which would be idle",
        ),
        (
            "gke",
            {"gpu": "nvidia-l4"},
            "model is 'bundled:sms-spam' made for 'onnx', with `gpu` 'nvidia-l4', which torch alone uses",
        ),
        (
            "fargate",
            {"backend": "torch"},
            "model is 'bundled:sms-spam' made for 'onnx', with `backend` 'torch'",
        ),
        (
            "kubernetes",
            {"gpu": "nvidia-l4", "task": "tabular", "model": "gs://models/iris@1763721600000000"},
            "backend is 'torch' with `task` 'tabular'; allowed is 'onnx', which computes on the CPU",
        ),
        ("cloud-run", {"backend": "tensorrt"}, "backend: got 'tensorrt'; allowed: onnx, ctranslate2, torch"),
    ],
)
def test_what_does_not_go_together_is_refused_with_where_to_correct_it(
    target: str, values: dict[str, str], told: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        planned_image(target, **values)
    assert told in str(refused.value)
    assert ".yaml" in str(refused.value)


def test_an_image_that_is_there_already_may_hold_another_model_than_the_bundled_one() -> None:
    with pytest.raises(StopIteration):  # nothing is built
        planned_image("gke", gpu="nvidia-l4", image=DIGEST)
