"""Models that write text, from the Hub to the server's answers: `make test-torch` runs it."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

REASON = "torch is not installed here; `make test-torch` runs this where it is"
pytest.importorskip("torch", reason=REASON)

import torch
import transformers
from safetensors.torch import load_file, save_file

from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.modeltools.fake_hub import FakeHub
from tests.modeltools.hub_fixtures import CARD, TestHub, fake_hub
from tests.modeltools.tiny_models import contents, saved, saved_embedder
from tests.service.backends.tiny_writers import (
    CONTEXT,
    saved_tokenizer,
    tiny_gpt2,
    tiny_llama,
    tiny_t5,
    widened,
)
from tests.service.running_server import AUTHORIZED, running_server
from tests.service.tasks.byte_tokenizer import VOCABULARY

__all__ = ["fake_hub"]  # a fixture
pytestmark = pytest.mark.filterwarnings("ignore")  # torch and transformers warn of each other

ROOT = Path(__file__).parents[2]
TEXT = "A storm closed the harbour on Monday. Nobody was hurt. It opened again on Tuesday."
CHAT = [{"role": "user", "content": "What is a slipway?"}]


def run(hub: FakeHub, address: str, out: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a user does."""
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(out.parent),
        "HF_ENDPOINT": hub.url,
        "PYTHONPATH": ":".join(path for path in sys.path if path.endswith("site-packages")),
    }
    line = [sys.executable, "-m", "slipway.modeltools.importing", address, str(out), *options]
    return subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)


def imported(hub: FakeHub, source: Path, out: Path, *options: str) -> dict[str, Any]:
    """From the Hub's answers to a folder; its manifest."""
    address = hub.put("acme/tiny", contents(source) | {"README.md": CARD})
    done = run(hub, address, out, "--engine", "torch", *options)
    assert done.returncode == 0, done.stderr
    Manifest.read(out, TASKS).check_files(out)
    return json.loads((out / "manifest.json").read_text())


def stated(folder: Path, **config: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))


@pytest.fixture
def t5(tmp_path: Path) -> Path:
    """As google/flan-t5-base is: a head of its own, its length and prefix in the configuration."""
    tiny_t5(tmp_path / "saved")
    prefixes = {"summarization": {"prefix": "summarize: ", "num_beams": 4}}
    stated(tmp_path / "saved", n_positions=256, task_specific_params=prefixes)
    return tmp_path / "saved"


def answer(folder: Path, log: Path, path: str, body: dict[str, Any]) -> dict[str, Any]:
    with running_server(log, MODEL_DIR=str(folder)) as server:
        got = httpx.post(f"{server.url}{path}", json=body, headers=AUTHORIZED, timeout=60)
    assert got.status_code == 200, got.text
    return got.json()


def test_a_t5_of_the_hub_is_served_as_transformers_answers(
    fake_hub: TestHub, t5: Path, tmp_path: Path
) -> None:
    manifest = imported(fake_hub, t5, tmp_path / "out")
    assert (manifest["task"], manifest["engine"], manifest["precision"]) == ("summarize", "torch", "fp32")
    assert (manifest["license"], manifest["max_tokens"]) == ("apache-2.0", 256)
    assert manifest["prefix"] == "summarize: "
    assert sorted(name.partition(".")[0] for name in manifest["files"]) == [
        "config", "generation_config", "model", "tokenizer", "tokenizer_config",
    ]  # fmt: skip
    got = answer(tmp_path / "out", tmp_path / "log", "/summarize", {"text": TEXT, "max_tokens": 12})
    tokenizer: Any = transformers.PreTrainedTokenizerFast.from_pretrained(t5)
    network: Any = transformers.T5ForConditionalGeneration.from_pretrained(t5)
    ids = tokenizer(f"summarize: {TEXT}", return_tensors="pt").input_ids
    expected = network.generate(ids, max_new_tokens=12, do_sample=False, num_beams=1)[0]
    assert got["summary"] == tokenizer.decode(expected, skip_special_tokens=True).strip()
    assert got["summary"]


def test_a_decoder_of_the_hub_chats(fake_hub: TestHub, tmp_path: Path) -> None:
    tiny_llama(tmp_path / "saved", letters_only=True)
    manifest = imported(fake_hub, tmp_path / "saved", tmp_path / "out", "--task", "generate")
    assert (manifest["task"], manifest["engine"], manifest["max_tokens"]) == ("generate", "torch", CONTEXT)
    assert "chat_template.jinja" in manifest["files"]
    body = {"model": "tiny", "messages": CHAT, "max_tokens": 8, "temperature": 0}
    got = answer(tmp_path / "out", tmp_path / "log", "/v1/chat/completions", body)
    assert len(got["choices"][0]["message"]["content"]) == 8
    assert got["choices"][0]["message"]["content"].isalpha()


def test_a_decoder_without_a_chat_template_is_imported_and_that_is_said(
    fake_hub: TestHub, tmp_path: Path
) -> None:
    tiny_gpt2(tmp_path / "saved")
    manifest = imported(fake_hub, tmp_path / "saved", tmp_path / "out", "--max-tokens", "128")
    assert manifest["max_tokens"] == 128
    assert "it has no chat template" in manifest["tried"]["answered"]


def in_shards(folder: Path) -> None:
    """Split the weights into three files and an index, as large models have them."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    places = {name: f"model-0000{index % 3 + 1}-of-00003.safetensors" for index, name in enumerate(names)}
    for file in set(places.values()):
        held = {name: tensors[name].clone() for name in names if places[name] == file}
        save_file(held, folder / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_weights_in_several_files_become_one_with_the_same_tensors(
    fake_hub: TestHub, t5: Path, tmp_path: Path
) -> None:
    before = load_file(t5 / "model.safetensors")
    in_shards(t5)
    manifest = imported(fake_hub, t5, tmp_path / "out")
    assert not [name for name in manifest["files"] if "-of-" in name or "index" in name]
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_of_16_bits_stay_so(fake_hub: TestHub, t5: Path, tmp_path: Path) -> None:
    path = t5 / "model.safetensors"
    halved = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(halved, path, {"format": "pt"})
    manifest = imported(fake_hub, t5, tmp_path / "out")
    assert manifest["precision"] == "bf16"
    assert manifest["files"]["model.safetensors"]["bytes"] == path.stat().st_size


FAMILIES: dict[str, dict[str, Any]] = {
    **{
        name: {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
        for name in ("longt5", "mt5", "umt5")
    },
    **{
        name: {
            "d_model": 32,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "max_position_embeddings": CONTEXT,
        }
        for name in ("bart", "pegasus")
    },
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_other_families_that_summarise_are_imported(fake_hub: TestHub, tmp_path: Path, family: str) -> None:
    torch.manual_seed(1)
    ids = {"vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    config = transformers.AutoConfig.for_model(family, **ids, bos_token_id=2, **FAMILIES[family])
    network = transformers.AutoModelForSeq2SeqLM.from_config(config)
    widened(network, 3).save_pretrained(tmp_path / "saved")
    saved_tokenizer(tmp_path / "saved", ends_with="</s>")
    manifest = imported(fake_hub, tmp_path / "saved", tmp_path / "out", "--max-tokens", "128")
    assert (manifest["task"], manifest["prefix"]) == ("summarize", "")


def test_a_classifier_and_an_embedder_are_served_on_torch_where_it_is_asked_for(
    fake_hub: TestHub, tmp_path: Path
) -> None:
    saved(tmp_path / "classifier", "bert")
    manifest = imported(fake_hub, tmp_path / "classifier", tmp_path / "one", "--engine", "torch")
    assert (manifest["task"], manifest["engine"], manifest["max_tokens"]) == ("classify", "torch", 128)
    assert answer(tmp_path / "one", tmp_path / "log", "/predict", {"text": TEXT})["label"] == "good"
    saved_embedder(tmp_path / "embedder", "mean_tokens")
    files = contents_below(tmp_path / "embedder")
    done = run(fake_hub, fake_hub.put("acme/vectors", files), tmp_path / "two", "--engine", "torch")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "two" / "manifest.json").read_text())
    assert (manifest["task"], manifest["pooling"], manifest["normalize"]) == ("embed", "mean", True)
    assert len(answer(tmp_path / "two", tmp_path / "log2", "/embed", {"text": TEXT})["embedding"]) == 64


def contents_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def drop_a_layer(folder: Path) -> None:
    kept = load_file(folder / "model.safetensors")
    del kept["encoder.final_layer_norm.weight"]
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def another_tokenizer(folder: Path) -> None:
    stated(folder, vocab_size=VOCABULARY - 50)
    kept = load_file(folder / "model.safetensors")
    for name in ("shared.weight", "lm_head.weight"):
        kept[name] = kept[name][: VOCABULARY - 50].clone()
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            drop_a_layer,
            "a T5ForConditionalGeneration: 1 tensors are missing: encoder.final_layer_norm.weight",
        ),
        (cut_weights, "its header describes"),
        (another_tokenizer, "They are of two models"),
    ],
)
def test_a_model_that_does_not_answer_is_refused_and_leaves_nothing(
    fake_hub: TestHub, t5: Path, tmp_path: Path, spoil: Any, told: str
) -> None:
    spoil(t5)
    done = run(fake_hub, fake_hub.put("acme/tiny", contents(t5)), tmp_path / "out", "--engine", "torch")
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_every_copy_of_a_shared_tensor_in_the_file_is_taken(
    fake_hub: TestHub, t5: Path, tmp_path: Path
) -> None:
    """google/flan-t5-base has the embeddings of encoder and decoder beside the shared one."""
    tensors = load_file(t5 / "model.safetensors")
    for part in ("encoder", "decoder"):
        tensors[f"{part}.embed_tokens.weight"] = tensors["shared.weight"].clone()
    save_file(tensors, t5 / "model.safetensors", {"format": "pt"})
    assert imported(fake_hub, t5, tmp_path / "out")["tried"]["answered"].endswith("tokens")


@pytest.fixture(autouse=True)
def no_strays(tmp_path: Path) -> Iterator[None]:
    yield
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")]
