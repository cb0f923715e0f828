"""The device that was asked for computes, or the server does not start; /health and the log name it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.service.driver import LEAST_DRIVER, Driver, nvidia_driver, remedy
from tests.service.backends.model_folders import model_folder
from tests.service.running_server import AUTHORIZED, HAM, RunningServer, failed_start, running_server

FAKE_TORCH = str(Path(__file__).parent / "fake_torch")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a classifier for torch, whose weights the fake Transformers never opens."""
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    (weights / "model.safetensors").write_bytes(b"weights")
    return model_folder(tmp_path / "model", weights, "torch")


def settings(model: Path, **more: str) -> dict[str, str]:
    return {"PYTHONPATH": FAKE_TORCH, "MODEL_DIR": str(model), **more}


def health(server: RunningServer) -> dict[str, Any]:
    return httpx.get(f"{server.url}/health").json()


def refusal(**environment: str) -> str:
    code, lines, stderr = failed_start(**environment)
    assert (code, stderr) == (2, ""), (lines, stderr)
    [error] = [line for line in lines if line["level"] == "error"]
    assert error["cause"] == "device_unusable"
    return error["message"]


@pytest.mark.parametrize(
    ("gpu", "reason"),
    [
        ("old driver", "The NVIDIA driver on your system is too old (found version 12020)."),
        ("bad kernel", "no kernel image is available for execution on the device."),
    ],
)
def test_a_start_without_the_gpu_that_was_asked_for_fails_with_its_reason(model: Path, gpu: str, reason: str):
    message = refusal(**settings(model, DEVICE="cuda", FAKE_GPU=gpu))
    assert message.startswith("DEVICE: got 'cuda', but torch 2.15.0, built for CUDA 13.2, cannot compute")
    assert reason in message
    assert "CUDA 13.2 needs driver 580 or newer" in message
    assert message.endswith("To compute on the CPU, set DEVICE=cpu, or in a stack leave `gpu` out.")


def test_a_model_that_does_not_fit_on_the_gpu_fails_the_start_with_what_to_do(model: Path):
    message = refusal(**settings(model, DEVICE="cuda", FAKE_GPU="full"))
    assert "CUDA out of memory. Tried to allocate 2.00 GiB" in message
    assert "Take a GPU with more memory, or a smaller model." in message


def test_the_gpu_is_looked_at_before_the_model_is_fetched(model: Path):
    (model / "model.safetensors").write_bytes(b"changed!")  # its hash would be refused
    assert "cannot compute on a GPU" in refusal(**settings(model, DEVICE="cuda", FAKE_GPU="hidden"))


def test_a_gpu_that_was_asked_for_computes_and_is_named(model: Path, tmp_path: Path):
    with running_server(
        tmp_path / "log", True, **settings(model, DEVICE="cuda", FAKE_GPU="usable")
    ) as server:
        assert (health(server)["device"], health(server)["gpu"]) == ("cuda", "NVIDIA L4 number 0")
        answer = httpx.post(f"{server.url}/predict", headers=AUTHORIZED, json={"text": HAM})
        assert answer.status_code == 200
        [ready] = [line for line in server.log if line["message"].startswith("Model ready")]
        assert (ready["device"], ready["gpu"]) == ("cuda", "NVIDIA L4 number 0")


def test_a_cpu_that_was_asked_for_computes_though_there_is_a_gpu(model: Path, tmp_path: Path):
    with running_server(tmp_path / "log", True, **settings(model, DEVICE="cpu", FAKE_GPU="usable")) as server:
        assert (health(server)["device"], health(server)["gpu"]) == ("cpu", None)
        answer = httpx.post(f"{server.url}/predict", headers=AUTHORIZED, json={"text": HAM})
        assert answer.status_code == 200


@pytest.mark.parametrize(("gpu", "device"), [("usable", "cuda"), ("hidden", "cpu")])
def test_where_nothing_is_asked_for_a_gpu_is_taken_where_there_is_one_and_named_in_the_log(
    model: Path, tmp_path: Path, gpu: str, device: str
):
    with running_server(tmp_path / "log", True, **settings(model, FAKE_GPU=gpu)) as server:
        assert health(server)["device"] == device
        [ready] = [line for line in server.log if line["message"].startswith("Model ready")]
        assert ready["device"] == device


def test_a_gpu_is_refused_for_a_model_that_onnx_runtime_serves():
    assert "engine 'onnx', which computes on the CPU" in refusal(DEVICE="cuda")


def test_an_onnx_model_says_that_it_computes_on_the_cpu(server: RunningServer):
    assert (health(server)["device"], health(server)["gpu"]) == ("cpu", None)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.216.03  Fri Oct 25 2024\n", "535.216.03"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n", "580.95.05"),
        ("GCC version: 12.2.0\n", ""),
    ],
)
def test_the_version_of_the_driver_is_that_of_its_kernel_module(tmp_path: Path, text: str, version: str):
    (tmp_path / "version").write_text(text)
    assert nvidia_driver(tmp_path / "version").version == version


def test_a_machine_without_a_driver_has_none(tmp_path: Path):
    assert nvidia_driver(tmp_path / "absent", library="libabsent.so.1") == Driver()


def test_a_driver_that_is_too_old_is_told_with_the_one_that_is_needed():
    said = remedy(Driver("535.216.03", "12.2"), "13.2")
    assert said == (
        "The driver is 535.216.03 and knows CUDA 12.2; CUDA 13.2 needs driver 580 or newer. Install one, or "
        "take an image for CUDA 12.2 or older."
    )


def test_a_driver_that_is_new_enough_is_told_without_a_wrong_advice():
    assert remedy(Driver("580.95.05", "13.0"), "13.2") == "The driver is 580.95.05 and knows CUDA 13.0."


def test_a_driver_that_is_not_there_is_told_with_how_a_container_gets_one():
    said = remedy(Driver(), "13.2")
    assert "No NVIDIA driver was found" in said
    assert "580 or newer" in said
    assert "`--gpus all`" in said
    assert "nvidia.com/gpu" in said


def test_torch_without_cuda_is_told_with_the_image_that_has_it():
    assert "VARIANT=cuda" in remedy(Driver("580.95.05", "13.0"), "")


def test_the_drivers_that_each_cuda_needs_are_those_of_the_stacks():
    from slipway.components.gpu_drivers import LEAST_DRIVER as OF_STACKS

    assert LEAST_DRIVER.items() <= OF_STACKS.items()
