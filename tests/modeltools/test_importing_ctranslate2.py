"""Each family that CTranslate2 takes, trained here, converted and asked the same: `make test-torch`."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REASON = "torch and CTranslate2 are not installed here; `make test-torch` runs this where they are"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("ctranslate2", reason=REASON)

import torch
from safetensors.torch import load_file, save_file

from slipway.modeltools.importing.families import FAMILIES
from slipway.modeltools.importing.local import LocalFolder
from slipway.modeltools.importing.plan import Choices, plan_local_import
from slipway.modeltools.importing.writer import Writer
from slipway.modeltools.importing.writer_agreement import (
    MOST_DIFFERENCE,
    MOST_DIVERGENCE,
    divergence,
    likely,
    scored,
)
from slipway.modeltools.importing.writer_conversion import convert_writer
from slipway.modeltools.importing.writer_loading import load_writer
from slipway.service.backends.ct2_causal import Ct2Causal
from slipway.service.backends.ct2_seq2seq import Ct2Seq2Seq
from slipway.service.backends.generation import Sampling
from slipway.service.faults import BadModel
from slipway.service.folder import ModelFolder
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.modeltools.damaged_writers import rounded_to_3_bits, without_a_layer
from tests.modeltools.small_writers import END, network_of, prompt_of, saved, trained, turned_round
from tests.service.backends.tiny_writers import as_flan_t5_says, tiny_t5
from tests.service.tasks.byte_tokenizer import byte_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and transformers warn of each other

WORDS, STEPS = 40, 700
MOST_WRONG = 0.05


def converted(source: Path, out: Path, precision: str = "int8") -> dict[str, Any]:
    """Convert as the command does, into a folder that the server takes; return its manifest."""
    from slipway.modeltools.importing.folder import new_folder, write_manifest
    from slipway.modeltools.importing.plan import fetch

    plan = plan_local_import(LocalFolder.of(source, out), Choices(engine="ctranslate2"))
    with new_folder(out, 1) as (made, scratch):
        fetch(None, plan, scratch / "fetched")  # pyright: ignore[reportArgumentType] - a local folder needs no Hub
        facts = convert_writer(plan, scratch / "fetched", made, scratch, precision, 128, lambda _text: None)
        write_manifest(made, plan, facts)
    return json.loads((out / "manifest.json").read_text())


def writer(folder: Path) -> Callable[[str], str]:
    """Return what answers with the converted model, as the server does."""
    model = ModelFolder(folder, Manifest.read(folder, TASKS))
    tokenizer: Any = model.tokenizer()
    if model.manifest.task == "summarize":
        seq2seq = Ct2Seq2Seq(model)
        return lambda text: tokenizer.decode(
            seq2seq.generate(tokenizer.encode(text).ids, 0, 12, lambda: True) or [], skip_special_tokens=True
        )
    causal = Ct2Causal(model)

    def written(text: str) -> str:
        tokens: list[int] = []
        causal.generate(
            tokenizer.encode(text).ids, Sampling(12, temperature=0), lambda token: not tokens.append(token)
        )
        return tokenizer.decode(tokens, skip_special_tokens=True)

    return written


def original(network: Any) -> Callable[[str], str]:
    tokenizer = byte_tokenizer("</s>" if network.config.is_encoder_decoder else "")

    def written(text: str) -> str:
        ids = torch.tensor([tokenizer.encode(text).ids])
        answer = network.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, num_beams=1
        )[0].tolist()
        new = answer[1:] if network.config.is_encoder_decoder else answer[ids.shape[1] :]
        return tokenizer.decode([token for token in new if token > END + 2])

    return written


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trained_model_of_each_family_answers_in_int8_as_in_torch(family: str, tmp_path: Path) -> None:
    rate = 1e-3 if family in ("bart", "falcon", "gpt2", "gpt_bigcode") else 3e-3
    network = trained(network_of(family), turned_round, STEPS, rate)
    manifest = converted(saved(network, tmp_path / "saved"), tmp_path / "out")
    assert (manifest["engine"], manifest["precision"]) == ("ctranslate2", "int8")
    ours, theirs, chance = writer(tmp_path / "out"), original(network), random.Random(7)
    asked = [turned_round(chance) for _ in range(WORDS)]
    answers = [
        (ours(prompt_of(network, word)), theirs(prompt_of(network, word)), right) for word, right in asked
    ]
    right = sum(other == wanted for _, other, wanted in answers)
    assert right >= WORDS * 0.8, f"{family} learned {right} of {WORDS}, too few to compare answers"
    changed = [answer for answer in answers if answer[0] != answer[1]]
    assert len(changed) <= WORDS * MOST_WRONG, changed
    found = {"int8": manifest["conversion"]["divergence"]} | {
        damage.__name__: divergence_of(damage(network), tmp_path / damage.__name__, tmp_path / "saved")
        for damage in (rounded_to_3_bits, without_a_layer)
    }
    assert found.pop("int8") * 2 < MOST_DIVERGENCE < min(found.values()) / 2, (manifest["conversion"], found)


def divergence_of(damaged: Any, folder: Path, saved_original: Path) -> float:
    """Return how far a damaged network, converted, is from the original."""
    converted(saved(damaged, folder / "saved"), folder / "out", "fp32")
    plan = plan_local_import(LocalFolder.of(saved_original, folder / "none"), Choices(engine="ctranslate2"))
    assert isinstance(plan.head, Writer)
    (folder / "made").mkdir()
    own = likely(load_writer(saved_original, folder / "made", "here", plan.head), plan.head, 128)
    return divergence(own, scored(folder / "out", own, plan.head))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engine_computes_random_weights_of_each_family_as_torch_does(family: str, tmp_path: Path) -> None:
    """Their scores, not their answers; in rotary positions the base is another than the default."""
    rotation = {"rope_type": "default", "rope_theta": 500.0}
    given = {"rope_parameters": rotation} if family in ("gemma", "llama", "mistral", "qwen2", "qwen3") else {}
    found = converted(saved(network_of(family, **given), tmp_path / "saved"), tmp_path / "out", "fp32")
    assert found["conversion"]["max_logprob_difference"] < MOST_DIFFERENCE


def test_an_output_that_is_not_scaled_is_converted_so(tmp_path: Path) -> None:
    """As that of flan-t5, whose head is one of its own."""
    network = network_of("t5")
    network.lm_head.weight = torch.nn.Parameter(torch.randn_like(network.lm_head.weight) * 0.05)
    saved(network, tmp_path / "saved")
    as_flan_t5_says(tmp_path / "saved" / "config.json")
    found = converted(tmp_path / "saved", tmp_path / "out", "fp32")["conversion"]
    assert found["max_logprob_difference"] < 1e-3


def test_weights_that_int8_does_not_keep_are_refused(tmp_path: Path) -> None:
    """Of a T5 whose weights are so wide that rounding moves a token's log-probability by several nats."""
    tiny_t5(tmp_path / "saved")
    with pytest.raises(BadModel, match=r"in int8 the probabilities .* Take --precision fp32"):
        converted(tmp_path / "saved", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert converted(tmp_path / "saved", tmp_path / "out", "fp32")["precision"] == "fp32"


def test_a_model_that_the_engine_computes_in_another_way_is_refused(tmp_path: Path) -> None:
    """Gemma 3 takes the scale of its scores from a key that the engine's converter does not read."""
    saved(network_of("gemma3_text", query_pre_attn_scalar=64), tmp_path / "saved")
    with pytest.raises(BadModel, match=r"does not compute this model as torch does\. Take --engine torch"):
        converted(tmp_path / "saved", tmp_path / "out")


def test_a_model_whose_weights_lack_a_tensor_is_refused(tmp_path: Path) -> None:
    saved(network_of("t5"), tmp_path / "saved")
    path = tmp_path / "saved" / "model.safetensors"
    kept = load_file(path)
    del kept["encoder.final_layer_norm.weight"]
    save_file(kept, path, {"format": "pt"})
    with pytest.raises(BadModel, match=r"the weights lack encoder\.final_layer_norm\.weight"):
        converted(tmp_path / "saved", tmp_path / "out")


def test_how_an_older_model_writes_is_taken_from_its_configuration(tmp_path: Path) -> None:
    network = network_of("bart")
    network.generation_config.num_beams = 4
    network.generation_config.no_repeat_ngram_size = 3
    saved(network, tmp_path / "saved")
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    (tmp_path / "saved" / "config.json").write_text(
        json.dumps(config | {"num_beams": 4, "no_repeat_ngram_size": 3})
    )
    (tmp_path / "saved" / "generation_config.json").unlink()
    manifest = converted(tmp_path / "saved", tmp_path / "out")
    assert "generation_config.json" in manifest["files"]
    written = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert (written["num_beams"], written["no_repeat_ngram_size"]) == (4, 3)


SENTENCE = "the harbour was closed by a storm"
# In a process of its own: the library and torch do not live in one.
TRAINS = """
import json, sys, sentencepiece
text, prefix, sentence = sys.argv[1:]
sentencepiece.SentencePieceTrainer.Train(
    input=text, model_prefix=prefix, vocab_size=60, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2
)
made = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
print(json.dumps([made.get_piece_size(), made.encode(sentence)]))
"""


def test_a_sentencepiece_file_becomes_a_tokenizer_that_splits_as_it_does(tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece", reason="sentencepiece is not installed here")
    text, prefix = tmp_path / "text", tmp_path / "spiece"
    text.write_text("\n".join(f"the harbour was closed on day {day} by a storm" for day in range(400)))
    line = [sys.executable, "-c", TRAINS, str(text), str(prefix), SENTENCE]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
    pieces, expected = json.loads(done.stdout)
    saved(network_of("t5", vocab_size=pieces + 100), tmp_path / "saved")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "saved" / name).unlink()
    shutil.copy(tmp_path / "spiece.model", tmp_path / "saved" / "spiece.model")
    manifest = converted(tmp_path / "saved", tmp_path / "out")
    assert {"tokenizer.json", "tokenizer_config.json"} <= set(manifest["files"])
    model = ModelFolder(tmp_path / "out", Manifest.read(tmp_path / "out", TASKS))
    assert model.tokenizer().encode(SENTENCE).ids == [*expected, 1]
