"""PyTorch as an engine: the same answers as ONNX Runtime, and nothing but safetensors."""
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

import importlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REASON = "torch is not installed here; `make test-torch` installs it and runs this"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)

from slipway.service.backends import Backend
from slipway.service.backends.gpu import gpu_is_visible, usable_gpu
from slipway.service.backends.onnx import OnnxBackend
from slipway.service.backends.torch import TorchBackend, pt
from slipway.service.faults import BadModel, DeviceUnusable
from slipway.service.loading import load_model
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS, Limits
from tests.service.backends.model_folders import model_folder, write_manifest
from tests.service.backends.random_classifier import save_random_classifier
from tests.service.running_server import HAM, SPAM

# Both compute in fp32, in another order.
LOGIT_TOLERANCE = 2e-4
PROBABILITY_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_random_classifier(folder)
    return folder


@pytest.fixture(scope="module")
def backend(weights: Path) -> TorchBackend:
    return TorchBackend(weights)


@pytest.fixture
def spoiled(weights: Path, tmp_path: Path) -> Path:
    """Copy the weights, for a test to damage."""
    return Path(shutil.copytree(weights, tmp_path / "spoiled"))


def tokens(batch: int, length: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.random.default_rng(length).integers(0, 2000, (batch, length), dtype=np.int64)


@pytest.mark.parametrize("length", [1, 2, 17, 128, 512])
def test_the_logits_are_those_of_onnx_runtime_padding_or_not(
    weights: Path, backend: TorchBackend, length: int
):
    input_ids = tokens(3, length)
    mask = np.ones_like(input_ids)
    mask[1, (length + 1) // 2 :] = 0
    logits = backend.run(input_ids, mask)
    assert (logits.shape, logits.dtype) == ((3, 2), np.float32)
    assert np.ptp(logits, axis=0).max() > 100 * LOGIT_TOLERANCE
    expected = OnnxBackend(weights / "model.onnx").run(input_ids, mask)
    np.testing.assert_allclose(logits, expected, atol=LOGIT_TOLERANCE, rtol=0)


def test_the_same_texts_get_the_same_labels_and_probabilities_from_both_engines(
    weights: Path, tmp_path: Path
):
    texts = [HAM, SPAM, "é€ 😀", SPAM * 100]
    answers = {
        engine: answered(model_folder(tmp_path / engine, weights, engine), texts)
        for engine in ("onnx", "torch")
    }
    for one, other in zip(answers["onnx"], answers["torch"], strict=True):
        assert one["label"] == other["label"]
        assert one["proba"] == pytest.approx(other["proba"], abs=PROBABILITY_TOLERANCE)
    assert len({prediction["proba"] for prediction in answers["torch"]}) == len(texts)


def answered(folder: Path, texts: list[str]) -> list[dict[str, Any]]:
    manifest = Manifest.read(folder, TASKS)
    task = TASKS[manifest.task](manifest, Limits(10, 100_000))
    load_model(folder, manifest, task)
    body = json.dumps({"text": texts, "truncate": True}).encode()
    work = task.operations[0].work(body, time.perf_counter())
    for index in range(work.size):
        work.step(index)
    return json.loads(work.result())["predictions"]


def test_several_threads_at_once_get_right_answers_each_on_its_own_thread(backend: Backend):
    asked = [tokens(1, 20 + number) for number in range(4)]
    expected = [backend.run(ids, np.ones_like(ids)) for ids in asked]
    wrong: list[int] = []
    threads_of_a_call: list[int] = []

    def ask(number: int) -> None:
        for turn in range(40):
            which = (number + turn) % len(asked)
            logits = backend.run(asked[which], np.ones_like(asked[which]))
            if not np.allclose(logits, expected[which], atol=LOGIT_TOLERANCE, rtol=0):
                wrong.append(which)
        threads_of_a_call.append(pt.get_num_threads())

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert (wrong, threads_of_a_call) == ([], [1, 1, 1, 1])


def test_loading_writes_nothing_of_its_own_beside_the_log(weights: Path):
    code = f"from service.backends.torch import TorchBackend, Path; TorchBackend(Path({str(weights)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def changed_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def changed_tensors(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    files: Any = importlib.import_module("safetensors.torch")
    path = folder / "model.safetensors"
    files.save_file(change(files.load_file(path)), path, metadata={"format": "pt"})


def without_its_head(folder: Path) -> None:
    changed_tensors(folder, lambda all: {name: t for name, t in all.items() if "classifier" not in name})


def with_a_tensor_more(folder: Path) -> None:
    changed_tensors(folder, lambda all: all | {"adapter.weight": pt.zeros(2)})


def with_three_labels(folder: Path) -> None:
    changed_tensors(folder, lambda all: all | {"classifier.weight": pt.zeros(3, 64)})


def as_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    pt.save({}, folder / "pytorch_model.bin")


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def without_its_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def of_another_kind(folder: Path) -> None:
    changed_config(folder, model_type="vit")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_its_head, r"2 tensors are missing: classifier\.bias, classifier\.weight"),
        (with_a_tensor_more, r"1 tensors belong to no part of it: adapter\.weight"),
        (with_three_labels, r"1 tensors have another shape: classifier\.weight \[3, 64\]"),
        (as_a_pickle, "no file named model.safetensors"),
        (cut_short, "incomplete metadata, file not fully covered"),
        (without_its_config, "Unrecognized model"),
        (of_another_kind, "Unrecognized configuration class"),
    ],
)
def test_a_folder_that_makes_no_classifier_is_refused(
    spoiled: Path, spoil: Callable[[Path], None], told: str
):
    spoil(spoiled)
    with pytest.raises(BadModel, match=told):
        TorchBackend(spoiled)


def test_code_that_comes_with_a_model_is_not_run(spoiled: Path):
    (spoiled / "evil.py").write_text(f"open({str(spoiled / 'ran')!r}, 'w')")
    auto_map = {"AutoConfig": "evil.C", "AutoModelForSequenceClassification": "evil.M"}
    changed_config(spoiled, model_type="evil", auto_map=auto_map)
    with pytest.raises(BadModel, match="contains custom code"):
        TorchBackend(spoiled)
    assert not (spoiled / "ran").exists()


def test_a_token_limit_beyond_the_models_positions_is_refused(weights: Path, tmp_path: Path):
    folder = model_folder(tmp_path / "long", weights, "torch")
    write_manifest(folder, engine="torch", max_tokens=600)
    with pytest.raises(BadModel, match=r"fails on a text of 600 tokens.*max_tokens is 600"):
        answered(folder, [HAM])


@pytest.mark.skipif(gpu_is_visible(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_with_the_reason_of_torch():
    with pytest.raises(DeviceUnusable, match=r"torch .* cannot compute on a GPU here: .+ set DEVICE=cpu"):
        usable_gpu()


@pytest.mark.skipif(not gpu_is_visible(), reason="there is no GPU here")
def test_a_gpu_that_is_there_computes_the_same_labels_as_the_cpu(weights: Path):
    assert usable_gpu()
    input_ids = tokens(3, 17)
    mask = np.ones_like(input_ids)
    on_gpu, on_cpu = (TorchBackend(weights, device).run(input_ids, mask) for device in ("cuda", "cpu"))
    np.testing.assert_array_equal(on_gpu.argmax(1), on_cpu.argmax(1))
