import json
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from slipway.service.backends import Float32s, Int64s
from slipway.service.backends.onnx import OnnxBackend
from slipway.service.manifest import MODEL_FILE, TOKENIZER_FILE
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS, Limits
from slipway.service.tasks.classify import Classify, ClassifyManifest, prediction_of
from tests.service.running_server import HAM, SPAM


@given(st.lists(st.floats(-80, 80, width=32), min_size=2, max_size=6))
def test_the_probability_is_the_softmax_of_the_best_logit(logits: list[float]):
    exact = np.exp(np.array(logits, dtype=np.float64) - max(logits))
    prediction = prediction_of(logits, [str(index) for index in range(len(logits))])
    assert math.isclose(prediction["proba"], exact.max() / exact.sum(), abs_tol=1e-6)
    assert logits[int(prediction["label"])] == max(logits)


@pytest.fixture(scope="module")
def manifest() -> ClassifyManifest:
    return ClassifyManifest.read(BUNDLED_MODEL, TASKS)


def answered(task: Classify, body: dict[str, object]) -> dict[str, object]:
    work = task.work(json.dumps(body).encode(), time.perf_counter())
    for index in range(work.size):
        work.step(index)
    return json.loads(work.result())


def test_the_model_is_asked_what_the_tokenizer_says_and_its_logits_are_told(manifest: ClassifyManifest):
    task = Classify(manifest, Limits(10, 1000))
    task.attach(
        Tokenizer.from_file(str(BUNDLED_MODEL / TOKENIZER_FILE)), OnnxBackend(BUNDLED_MODEL / MODEL_FILE)
    )
    tokenizer = Tokenizer.from_file(str(BUNDLED_MODEL / TOKENIZER_FILE))
    for text in (SPAM, HAM, "é€ 😀\n\t\0"):
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        logits = OnnxBackend(BUNDLED_MODEL / MODEL_FILE).run(ids, np.ones_like(ids))[0].astype(np.float64)
        proba = float(np.exp(logits).max() / np.exp(logits).sum())
        answer = answered(task, {"text": text})
        assert answer["label"] == manifest.labels[int(logits.argmax())]
        assert answer["proba"] == pytest.approx(proba, abs=1e-6)


class CountingBackend:
    def __init__(self) -> None:
        self.tokens: list[int] = []

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        assert input_ids.dtype == attention_mask.dtype == np.int64
        assert attention_mask.all()
        self.tokens.append(input_ids.shape[1])
        return np.zeros((1, 2), dtype=np.float32)


def test_no_text_reaches_the_model_with_more_tokens_than_it_takes_or_with_padding(manifest: ClassifyManifest):
    backend = CountingBackend()
    task = Classify(manifest, Limits(10, 100_000))
    task.attach(Tokenizer.from_file(str(BUNDLED_MODEL / TOKENIZER_FILE)), backend)
    backend.tokens.clear()
    answered(task, {"text": ["a", "word " * 5 * manifest.max_tokens], "truncate": True})
    assert backend.tokens[0] < 10
    assert backend.tokens[1] == manifest.max_tokens
