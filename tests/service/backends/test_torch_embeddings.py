"""Embeddings on torch: the same vectors as ONNX Runtime gives, pooled as the manifest says."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUntypedBaseClass=false, reportUnknownLambdaType=false
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

import json
import shutil
import time
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

REASON = "torch is not installed here; `make test-torch` installs it and runs this"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", reason=REASON)

from slipway.service.backends.torch import TorchEmbedder
from slipway.service.faults import BadModel
from slipway.service.loading import load_model
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS, Limits
from tests.service.backends import random_classifier
from tests.service.backends.model_folders import write_manifest

# Both compute in fp32, in another order; the vectors have length 1.
TOLERANCE = 1e-5
TEXTS = ["Are we still on for lunch?", "WINNER!! Call 09061701461 now.", "é€ 😀", "more " * 300]
Pooling = Literal["mean", "cls"]


class Pooled(torch.nn.Module):
    """What an export to ONNX has inside; written down apart from the server's own."""

    def __init__(self, network: Any, pooling: Pooling) -> None:
        super().__init__()
        self.network, self.pooling = network, pooling

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        hidden = self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.pooling == "cls":
            vectors = hidden[:, 0]
        else:
            kept = attention_mask.unsqueeze(-1).to(hidden.dtype)
            vectors = (hidden * kept).sum(1) / kept.sum(1)
        return vectors / vectors.norm(dim=-1, keepdim=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a sentence transformer's folder: with the pooler that BERT was trained with and nobody asks for."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(20)
    config = transformers.BertConfig(
        vocab_size=2000,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        initializer_range=0.3,
    )
    network = transformers.BertModel(config).eval()
    network.save_pretrained(folder)
    for pooling in ("mean", "cls"):
        exported(network, pooling, folder / f"{pooling}.onnx")
    return folder


def exported(network: Any, pooling: Pooling, to: Path) -> None:
    assert random_classifier.onnx_proto_utils._add_onnxscript_fn  # pyright: ignore[reportPrivateUsage] - replaced there
    example = (torch.tensor([[1, 3, 4, 2], [1, 3, 2, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]))
    both = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated; the other one needs onnxscript
        torch.onnx.export(
            Pooled(network, pooling),
            example,
            str(to),
            input_names=["input_ids", "attention_mask"],
            output_names=["emb"],
            dynamic_axes={"input_ids": both, "attention_mask": both, "emb": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def model_folder(folder: Path, weights: Path, engine: str, pooling: Pooling) -> Path:
    folder.mkdir()
    shutil.copyfile(BUNDLED_MODEL / "tokenizer.json", folder / "tokenizer.json")
    if engine == "onnx":
        shutil.copyfile(weights / f"{pooling}.onnx", folder / "model.onnx")
    else:
        for name in ("config.json", "model.safetensors"):
            shutil.copyfile(weights / name, folder / name)
    write_manifest(folder, task="embed", engine=engine, pooling=pooling, labels=[])
    return folder


def embedded(folder: Path) -> Any:
    manifest = Manifest.read(folder, TASKS)
    task = TASKS["embed"](manifest, Limits(10, 100_000))
    load_model(folder, manifest, task)
    body = json.dumps({"text": TEXTS, "truncate": True}).encode()
    work = task.operations[0].work(body, time.perf_counter())
    for index in range(work.size):
        work.step(index)
    return np.array(json.loads(work.result())["embeddings"])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_same_texts_get_the_same_vectors_from_both_engines(
    weights: Path, tmp_path: Path, pooling: Pooling
):
    onnx, of_torch = (
        embedded(model_folder(tmp_path / engine, weights, engine, pooling)) for engine in ("onnx", "torch")
    )
    assert np.abs(onnx[0] - onnx[1]).max() > 1000 * TOLERANCE
    np.testing.assert_allclose(of_torch, onnx, atol=TOLERANCE, rtol=0)


def test_the_poolings_differ_and_only_normalised_vectors_have_length_one(weights: Path):
    ids = np.random.default_rng(0).integers(0, 2000, (2, 9), dtype=np.int64)
    mask = np.ones_like(ids)
    mean, cls, raw = (
        embedder.run(ids, mask)
        for embedder in (
            TorchEmbedder(weights, "mean", normalize=True),
            TorchEmbedder(weights, "cls", normalize=True),
            TorchEmbedder(weights, "mean", normalize=False),
        )
    )
    assert np.abs(mean - cls).max() > 0.01
    np.testing.assert_allclose(np.linalg.norm(mean, axis=1), 1, atol=1e-6)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(lengths - 1).min() > 0.1
    np.testing.assert_allclose(raw / lengths, mean, atol=1e-6)


def test_padding_changes_no_vector(weights: Path):
    ids = np.random.default_rng(0).integers(0, 2000, (2, 9), dtype=np.int64)
    mask = np.ones_like(ids)
    mask[1, 5:] = 0
    both = TorchEmbedder(weights, "mean", True).run(ids, mask)
    alone = TorchEmbedder(weights, "mean", True).run(ids[1:, :5], mask[1:, :5])
    np.testing.assert_allclose(both[1:], alone, atol=TOLERANCE)


def test_weights_of_another_model_are_refused(weights: Path, tmp_path: Path):
    folder = Path(shutil.copytree(weights, tmp_path / "spoiled"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(BadModel, match=r"16 tensors are missing: encoder\.layer\.2"):
        TorchEmbedder(folder, "mean", True)
