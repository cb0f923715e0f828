"""The conversion itself, in an environment that has torch: `make test-torch` runs it there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("torch", reason="torch is not installed here; `make test-torch` runs this where it is")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from slipway.modeltools.comparing.examples import Example
from slipway.modeltools.comparing.figures import figures
from slipway.modeltools.comparing.models import opened, reference
from slipway.modeltools.importing.address import HubAddress
from slipway.modeltools.importing.config import Classifier
from slipway.modeltools.importing.convert import convert_model
from slipway.modeltools.importing.files import json_object
from slipway.modeltools.importing.folder import new_folder, write_manifest
from slipway.modeltools.importing.local import LocalFolder
from slipway.modeltools.importing.plan import ImportPlan, plan_local_import
from slipway.service.backends.onnx import OnnxBackend
from slipway.service.backends.torch import TorchEmbedder
from slipway.service.faults import BadModel
from slipway.service.tasks import TASKS
from slipway.service.tasks.embed import EmbedManifest
from tests.modeltools.handmade import handmade
from tests.modeltools.hub_fixtures import TestHub, fake_hub
from tests.modeltools.tiny_models import LABELS, contents, saved, saved_embedder
from tests.service.running_server import AUTHORIZED, running_server

__all__ = ["fake_hub"]  # a fixture
pytestmark = pytest.mark.filterwarnings("ignore")  # torch and transformers warn of each other

ROOT = Path(__file__).parents[2]
TEXTS = ("ok", "I loved every minute of it and would see it again tomorrow.", "Where is my order? " * 40)
FUSED = ("bert", "distilbert", "roberta", "xlm-roberta", "electra", "camembert")
PLAIN = ("mpnet", "albert", "deberta-v2", "modernbert")


def imported(source: Path, out: Path, precision: str = "fp32", limit: int | None = None) -> dict[str, Any]:
    """From a folder as it was saved; its manifest."""
    address = HubAddress("acme/tiny", "0" * 40)
    config = json_object(address, source / "config.json")
    classifier = Classifier.of(str(address), config, {})
    plan = ImportPlan(address, classifier, "mit", {})
    with new_folder(out, 0) as (made, scratch):
        facts = convert_model(plan, source, made, scratch, precision, limit, lambda _text: None)
        write_manifest(made, plan, facts)
    return json.loads((out / "manifest.json").read_text())


def probabilities(folder: Path, text: str) -> list[float]:
    """As the server computes them."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(json.loads((folder / "manifest.json").read_text())["max_tokens"])
    ids = np.array([tokenizer.encode(text).ids], np.int64)
    logits = OnnxBackend(folder / "model.onnx").run(ids, np.ones_like(ids))[0].astype(np.float64)
    return (np.exp(logits) / np.exp(logits).sum()).tolist()


def transformers_probabilities(folder: Path, text: str, limit: int) -> list[float]:
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(text, truncation=True, max_length=limit, padding=False, return_tensors="pt")
    with torch.no_grad():
        return network(**inputs).logits[0].double().softmax(-1).tolist()


@pytest.mark.parametrize("model_type", [*FUSED, *PLAIN])
def test_the_imported_model_answers_as_transformers_does(tmp_path: Path, model_type: str) -> None:
    source = saved(tmp_path / "source", model_type)
    manifest = imported(source, tmp_path / "out")
    assert manifest["labels"] == list(LABELS)
    assert manifest["conversion"]["max_proba_difference"] <= 1e-4
    for text in TEXTS:
        expected = transformers_probabilities(source, text, manifest["max_tokens"])
        assert probabilities(tmp_path / "out", text) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model_type", ["bert", "distilbert", "roberta"])
def test_int8_is_smaller_and_nearly_as_true(tmp_path: Path, model_type: str) -> None:
    source = saved(tmp_path / "source", model_type)
    fp32, int8 = imported(source, tmp_path / "fp32"), imported(source, tmp_path / "int8", "int8")
    size = {name: made["files"]["model.onnx"]["bytes"] for name, made in (("fp32", fp32), ("int8", int8))}
    assert size["int8"] < 0.5 * size["fp32"]
    assert int8["precision"] == "int8"
    assert 0 < int8["conversion"]["max_proba_difference"] <= 0.1
    for text in TEXTS:
        expected = transformers_probabilities(source, text, int8["max_tokens"])
        assert probabilities(tmp_path / "int8", text) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("model_type", FUSED)
def test_attention_is_fused_in_every_layer_of_the_usual_kinds(tmp_path: Path, model_type: str) -> None:
    import onnx

    imported(saved(tmp_path / "source", model_type), tmp_path / "out")
    kinds = [node.op_type for node in onnx.load(tmp_path / "out" / "model.onnx").graph.node]
    assert kinds.count("Attention") == 2


def test_the_same_commit_gives_the_same_bytes(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "distilbert")
    for name in ("first", "second"):
        imported(source, tmp_path / name, "int8")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


@pytest.mark.parametrize(
    ("model_type", "limit", "most"),
    [
        ("bert", 128, 128),
        ("bert", 64, 64),
        ("bert", None, 128),
        ("roberta", None, 128),
        ("roberta", 512, 128),
    ],
)
def test_the_longest_text_is_as_long_as_positions_and_tokenizer_allow(
    tmp_path: Path, model_type: str, limit: int | None, most: int
) -> None:
    manifest = imported(saved(tmp_path / "source", model_type, limit), tmp_path / "out")
    assert manifest["max_tokens"] == most
    assert len(probabilities(tmp_path / "out", "order " * 1000)) == len(LABELS)


def test_a_shorter_limit_can_be_asked_for_but_no_longer_one(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    assert imported(source, tmp_path / "out", limit=32)["max_tokens"] == 32
    with pytest.raises(BadModel, match=r"--max-tokens: got 129; .* takes at most 128"):
        imported(source, tmp_path / "longer", limit=129)


def test_a_tokenizer_without_its_json_is_converted(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    vocabulary = Tokenizer.from_file(str(source / "tokenizer.json")).get_vocab()
    (source / "tokenizer.json").unlink()
    (source / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    (source / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    imported(source, tmp_path / "out")
    expected = transformers_probabilities(source, TEXTS[1], 128)
    assert probabilities(tmp_path / "out", TEXTS[1]) == pytest.approx(expected, abs=1e-4)


def test_a_tokenizer_that_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    (source / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(BadModel, match=r"cannot make a tokenizer\.json of its tokenizer"):
        imported(source, tmp_path / "out")


def test_weights_without_the_head_are_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    weights = load_file(source / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadModel, match=r"the weights lack classifier\.weight, without which"):
        imported(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_with_more_tokens_than_the_embedding_is_refused(tmp_path: Path) -> None:
    """Tokens were added to it, and the model was not resized."""
    source = saved(tmp_path / "saved", "bert")
    content = json.loads((source / "tokenizer.json").read_text())
    size = len(content["model"]["vocab"])
    content["added_tokens"].append(
        {"id": size, "content": "<customer>", "special": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    )
    (source / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(BadModel, match=rf"up to '<customer>' \({size}\); the embedding .* {size} rows"):
        imported(source, tmp_path / "out")


def test_weights_that_are_cut_are_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    content = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(content[:-1000])
    with pytest.raises(BadModel, match="cannot load it as BertForSequenceClassification"):
        imported(source, tmp_path / "out")


def test_a_kind_of_model_that_transformers_does_not_know_is_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "bert")
    config = json.loads((source / "config.json").read_text())
    config |= {"model_type": "zebra", "architectures": ["ZebraForSequenceClassification"]}
    (source / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadModel, match=r"cannot load it as ZebraForSequenceClassification"):
        imported(source, tmp_path / "out")


def test_a_graph_that_the_optimizer_trips_over_is_served_unfused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trips(*arguments: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr("slipway.modeltools.conversion.optimize_model", trips)
    source = saved(tmp_path / "source", "bert")
    imported(source, tmp_path / "out")
    expected = transformers_probabilities(source, TEXTS[1], 128)
    assert probabilities(tmp_path / "out", TEXTS[1]) == pytest.approx(expected, abs=1e-4)


def test_a_conversion_that_changes_the_answers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.modeltools.importing.agreement.TOLERANCE", {"fp32": 1e-12, "int8": 1e-12})
    source = saved(tmp_path / "source", "bert")
    told = r"in int8 the converted model does not answer as the original: .* Take --precision fp32"
    with pytest.raises(BadModel, match=told):
        imported(source, tmp_path / "out", "int8")
    assert not (tmp_path / "out").exists()


def test_a_network_that_is_written_down_in_numpy_gets_the_same_answers(tmp_path: Path) -> None:
    model = handmade()
    (tmp_path / "source").mkdir()
    for name, content in model.files().items():
        (tmp_path / "source" / name).write_bytes(content)
    imported(tmp_path / "source", tmp_path / "out")
    for text in ("Where is my order?", "I loved every minute of it"):
        assert probabilities(tmp_path / "out", text) == pytest.approx(
            model.probabilities(text).tolist(), abs=1e-5
        )


def exported(source: Path, out: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "slipway.modeltools.importing", str(source), str(out), *options]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "HOME": str(out.parent)}
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(("pooling", "normalize"), [("mean_tokens", True), ("cls_token", False)])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_embedding_model_in_a_folder_is_exported_with_its_pooling_in_the_graph(
    tmp_path: Path, pooling: str, normalize: bool, precision: str
) -> None:
    source = saved_embedder(tmp_path / "source", pooling, normalize)
    done = exported(source, tmp_path / "vectors", "--precision", precision)
    assert done.returncode == 0, done.stderr
    manifest = EmbedManifest.read(tmp_path / "vectors", TASKS)
    assert (manifest.name, manifest.pooling) == ("vectors", pooling.partition("_")[0])
    assert manifest.normalize is normalize
    tokenizer = Tokenizer.from_file(str(tmp_path / "vectors/tokenizer.json"))
    tokenizer.enable_truncation(manifest.max_tokens)
    converted = OnnxBackend(tmp_path / "vectors/model.onnx", "emb")
    original = TorchEmbedder(source, manifest.pooling, normalize)
    for text in TEXTS:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        ours, theirs = (each.run(ids, np.ones_like(ids))[0] for each in (converted, original))
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine > (0.95 if precision == "int8" else 0.9999)
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(theirs), rel=0.1)


def test_an_embedding_that_int8_spoils_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.modeltools.importing.agreement.LEAST_COSINE", {"int8": 1.1})
    plan = plan_local_import(
        LocalFolder.of(saved_embedder(tmp_path / "source", "mean_tokens"), tmp_path / "out")
    )
    told = r"the cosine to the original's vector falls to \d\.\d+; .* Take --precision fp32"
    with pytest.raises(BadModel, match=told), new_folder(tmp_path / "out", 0) as (made, scratch):
        convert_model(plan, tmp_path / "source", made, scratch, "int8", None, lambda _text: None)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_save_pretrained_wrote_is_compared_with_its_export_in_torch(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "distilbert")
    assert exported(source, tmp_path / "out").returncode == 0
    model = opened(tmp_path / "out")
    found = figures(model, reference(source, model), [Example(text, None) for text in TEXTS])
    assert (found["texts"], found["same_label"]) == (len(TEXTS), 1)
    assert 0 < found["max_proba_difference"] <= 0.1


def test_the_command_makes_a_folder_that_the_server_serves(fake_hub: TestHub, tmp_path: Path) -> None:
    source = saved(tmp_path / "source", "distilbert")
    address = fake_hub.put("acme/tiny", contents(source))
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "HF_ENDPOINT": fake_hub.url}
    line = [sys.executable, "-m", "slipway.modeltools.importing", address, str(tmp_path / "out")]
    done = subprocess.run(
        line, cwd=ROOT, env=env | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "On 20 texts it gives the original's labels" in done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["source"], manifest["license"]) == (address, "apache-2.0")
    with running_server(tmp_path / "log", MODEL_DIR=str(tmp_path / "out")) as server:
        answer = httpx.post(f"{server.url}/predict", json={"text": TEXTS[1]}, headers=AUTHORIZED).json()
    expected = transformers_probabilities(source, TEXTS[1], 128)
    assert answer["label"] == LABELS[int(np.argmax(expected))]
    assert answer["proba"] == pytest.approx(max(expected), abs=0.1)
