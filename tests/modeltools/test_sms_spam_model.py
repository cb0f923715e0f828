import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

ROOT = Path(__file__).parents[2]
ort: Any = onnxruntime
FOLDER = ROOT / "service" / "models" / "sms-spam"
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))

HAM = (
    "Are you coming home for dinner tonight?",
    "ok thanks, see you tomorrow then",
    "Sorry I missed your call, was in a meeting. Talk later?",
    "Mum says happy birthday and she misses you",
    "I left my keys at your place, can I come and get them after work",
    "lol that film was so bad, we should have gone to the pub",
    "The train is late again, I will be there in 20 minutes",
)
SPAM = (
    "WINNER!! You have won a £1000 cash prize. Call 09061234567 now to claim. T&Cs apply",
    "FREE entry in our weekly draw! Text WIN to 80085 now. Cost 150p per msg",
    "URGENT! Your mobile number has been awarded a 2000 pounds bonus. Call 08001234567",
    "Congratulations! Claim your free ringtone now, reply YES to 87654. 18+ only, to stop text STOP",
    "Your account has 800 unredeemed points. Call 08712345678 to claim, code 5512, expires today",
    "Hot singles want to chat with you. Text DATE to 69888, msgs 1.50 each, stop to end",
)


class Model:
    """The committed files, run as any user of ONNX Runtime would run them."""

    def __init__(self) -> None:
        # Some of its members have no types.
        self.tokenizer: Any = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
        self.session = ort.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encodings = [self.tokenizer.encode(text).ids for text in texts]
        input_ids = np.zeros((len(texts), max(map(len, encodings))), np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(encodings):
            input_ids[row, : len(ids)] = ids
            attention_mask[row, : len(ids)] = 1
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        return np.asarray(self.session.run(["logits"], inputs)[0])

    def spam_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        ham, spam = self.logits(texts).astype(np.float64).T
        return 1 / (1 + np.exp(ham - spam))


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def test_the_manifest_says_what_the_server_needs_to_know() -> None:
    assert {
        key: value for key, value in MANIFEST.items() if key not in ("files", "measured", "examples")
    } == {
        "name": "sms-spam",
        "version": "1.0.0",
        "task": "classify",
        "labels": ["ham", "spam"],
        "max_tokens": 512,
        "license": "Apache-2.0",
        "precision": "int8",
        "heads": 4,
    }
    assert 40 < MANIFEST["measured"]["memory_mib"] < 120
    assert sorted(MANIFEST["files"]) == ["model.onnx", "tokenizer.json"]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_the_manifest_gives_size_and_hash_of_each_file(name: str) -> None:
    content = (FOLDER / name).read_bytes()

    assert MANIFEST["files"][name] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


def test_model_and_tokenizer_take_at_most_3_mb() -> None:
    assert sum((FOLDER / name).stat().st_size for name in MANIFEST["files"]) <= 3_000_000


def test_the_folder_holds_no_data_set_and_nothing_else() -> None:
    expected = ["README.md", "manifest.json", "metrics.json", "model.onnx", "tokenizer.json"]

    assert sorted(path.name for path in FOLDER.iterdir()) == expected


def test_the_model_has_the_inputs_and_the_output_that_the_server_uses(model: Model) -> None:
    inputs = {given.name: (given.type, len(given.shape)) for given in model.session.get_inputs()}
    outputs = {made.name: (made.type, made.shape[1]) for made in model.session.get_outputs()}

    assert inputs == {"input_ids": ("tensor(int64)", 2), "attention_mask": ("tensor(int64)", 2)}
    assert outputs == {"logits": ("tensor(float)", 2)}


@pytest.mark.parametrize("text", HAM)
def test_an_everyday_message_is_ham(model: Model, text: str) -> None:
    assert model.spam_probabilities([text])[0] < 0.1


@pytest.mark.parametrize("text", SPAM)
def test_an_obvious_advertisement_is_spam(model: Model, text: str) -> None:
    assert model.spam_probabilities([text])[0] > 0.9


def test_a_message_in_a_padded_batch_gets_the_answer_that_it_gets_alone(model: Model) -> None:
    texts = [*HAM, *SPAM, " ".join(HAM)]

    alone = np.concatenate([model.spam_probabilities([text]) for text in texts])

    assert model.spam_probabilities(texts) == pytest.approx(alone, abs=0.02)


def test_the_model_takes_as_many_tokens_as_its_manifest_says(model: Model) -> None:
    input_ids = np.full((1, MANIFEST["max_tokens"]), 5, np.int64)

    logits = model.session.run(
        ["logits"], {"input_ids": input_ids, "attention_mask": np.ones_like(input_ids)}
    )[0]

    assert np.isfinite(np.asarray(logits)).all()


def test_long_texts_of_either_kind_are_still_told_apart(model: Model) -> None:
    ham, spam = model.spam_probabilities([" ".join(HAM * 4), " ".join(SPAM * 2)])

    assert (ham < 0.5, spam > 0.5) == (True, True)


def test_the_card_says_what_the_model_answers_on_its_own_examples(model: Model) -> None:
    metrics: Any = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))
    probes = metrics["probes"]

    answers = [model.spam_probabilities([probe["text"]])[0] for probe in probes]

    # Wider than rounding: another processor's int8 kernels may round otherwise.
    assert answers == pytest.approx([probe["spam_probability"] for probe in probes], abs=0.02)
    assert len(probes) >= 4


def test_the_tokenizer_neither_pads_nor_truncates(model: Model) -> None:
    assert model.tokenizer.padding is None
    assert model.tokenizer.truncation is None
    lengths = [len(encoding.ids) for encoding in model.tokenizer.encode_batch(["hi", "hello there " * 400])]
    assert lengths[0] < 5
    assert lengths[1] > 800


def test_the_tokenizer_adds_the_special_tokens_by_itself(model: Model) -> None:
    tokens = model.tokenizer.encode("hello").tokens

    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    assert model.tokenizer.token_to_id("[PAD]") == 0


def test_the_tokenizer_keeps_of_a_number_only_its_length(model: Model) -> None:
    assert model.tokenizer.encode("Call 0800 123").ids == model.tokenizer.encode("call 9999 456").ids


def test_no_text_is_lost_to_an_unknown_token(model: Model) -> None:
    text = "naïve 你好 🎉 Привет"

    assert model.tokenizer.decode(model.tokenizer.encode(text).ids).strip() == text.lower()


def test_importing_the_models_package_imports_no_training_library() -> None:
    script = "import slipway.modeltools, sys; print({'torch', 'transformers', 'onnx'} & set(sys.modules))"

    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert printed.stdout == "set()\n"
