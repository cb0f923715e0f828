"""Classification: a text, or a list of texts, to one of the model's labels with its probability."""

import math
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, create_model
from tokenizers import Tokenizer

from service.backends import Backend
from service.engine import Work
from service.faults import BadModel, FieldFault, TextTooLong
from service.manifest import Manifest
from service.tasks import Limits
from service.tasks.requests import MAX_FAULTS_SHOWN, parsed

WARM_UP_RUNS = 3
SPAM = "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim."
HAM = "Are we still on for lunch tomorrow?"

LatencyMs = Annotated[
    float, Field(ge=0, description="Milliseconds from the request's arrival to its answer.", examples=[0.62])
]
ModelVersion = Annotated[
    str,
    Field(
        description="Name, version and the first 12 hex digits of the model file's SHA-256.",
        examples=["sms-spam-1.0.0+31239f92ad32"],
    ),
]
Truncated = Annotated[
    bool, Field(description="Present, and true, where the text was cut to the limit.", examples=[True])
]


class Prediction(BaseModel):
    label: str = Field(description="The most probable label.", examples=["spam"])
    proba: float = Field(ge=0, le=1, description="Probability of that label, 0 to 1.", examples=[0.97])
    truncated: Truncated = False


class SinglePrediction(Prediction):
    """The answer to one text."""

    latency_ms: LatencyMs
    model_version: ModelVersion


class ListPrediction(BaseModel):
    """The answer to a list of texts."""

    predictions: list[Prediction] = Field(
        description="One prediction per text, in the order of the request.",
        examples=[[{"label": "spam", "proba": 0.97}, {"label": "ham", "proba": 0.99}]],
    )
    latency_ms: LatencyMs
    model_version: ModelVersion


class ClassifyRequest(BaseModel):
    """What a request holds; `request_model` adds this deployment's limits."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str | list[str]
    truncate: bool = Field(
        default=False,
        description="Cut a text that is longer than the model's limit instead of refusing it.",
        examples=[False],
    )


def request_model(limits: Limits) -> type[ClassifyRequest]:
    string = Annotated[str, Field(min_length=1, max_length=limits.max_text_characters, pattern=r"\S")]
    one: Any = Annotated[string, Tag("one")]
    many: Any = Annotated[list[string], Field(min_length=1, max_length=limits.max_texts), Tag("list")]
    text: Any = Annotated[one | many, Discriminator(_branch)]
    described = Field(description="The text to classify, or a list of texts.", examples=[SPAM, [SPAM, HAM]])
    doc = "One text, or a list of texts."
    return create_model("PredictRequest", __base__=ClassifyRequest, __doc__=doc, text=(text, described))


def _branch(value: Any) -> str:
    return "list" if isinstance(value, list) else "one"


class Classify:
    summary = "Classify a text, or a list of texts"

    def __init__(self, manifest: Manifest, limits: Limits) -> None:
        self._request_model = request_model(limits)
        self.request_model: type[BaseModel] = self._request_model
        self.answer_models: tuple[type[BaseModel], ...] = (SinglePrediction, ListPrediction)
        labels = ", ".join(f"`{label}`" for label in manifest.labels)
        self.description = (
            f"Model `{manifest.model_version}`, labels {labels}. "
            f"A text longer than {manifest.max_tokens} tokens is refused, or cut if `truncate` is true."
        )
        one = {"label": manifest.labels[-1], "proba": 0.97}
        timing = {"latency_ms": 0.62, "model_version": manifest.model_version}
        self.request_examples = {"one text": {"text": SPAM}, "a list": {"text": [SPAM, HAM]}}
        self.answer_examples = {"one text": one | timing, "a list": {"predictions": [one, one]} | timing}
        self._manifest = manifest
        self._model: Classifier | None = None

    def attach(self, tokenizer: Tokenizer, backend: Backend) -> None:
        model = Classifier(self._manifest, tokenizer, backend)
        for text in (HAM, SPAM * 2, SPAM * model.max_tokens):
            model.check_output(text)
        self._model = model
        for _ in range(WARM_UP_RUNS):  # the whole way of a request, so that the first one is no slower
            work = self.work(orjson.dumps({"text": [HAM, SPAM]}), time.perf_counter())
            for index in range(work.size):
                work.step(index)
            work.result()

    def work(self, body: bytes, received: float) -> Work[bytes]:
        request = parsed(self._request_model, body)
        if self._model is None:
            raise RuntimeError("work before attach")
        return ClassifyWork(self._model, request, received)


class Classifier:
    """Tokenizer, model and labels; called from several threads at once."""

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, backend: Backend) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # A text that spells "[SEP]" is a text: only the tokenizer itself adds special tokens.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._cutter = Tokenizer.from_str(tokenizer.to_str())
        self._cutter.encode_special_tokens = True
        self._cutter.enable_truncation(manifest.max_tokens)  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        self._backend = backend
        self.labels = manifest.labels
        self.max_tokens = manifest.max_tokens
        self.model_version = manifest.model_version

    def token_ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text).ids

    def cut_token_ids(self, text: str) -> list[int]:
        return self._cutter.encode(text).ids

    def logits(self, token_ids: Sequence[int]) -> list[float]:
        input_ids = np.array([token_ids], dtype=np.int64)
        return self._backend.run(input_ids, np.ones_like(input_ids))[0].tolist()

    def check_output(self, text: str) -> None:
        logits = self.logits(self.cut_token_ids(text))
        if len(logits) != len(self.labels) or not all(map(math.isfinite, logits)):
            raise BadModel(
                f"the model gives {len(logits)} logits {logits}; the manifest has {len(self.labels)} labels."
            )


class ClassifyWork:
    """One call. After a text over the limit the rest is only counted, so that all are reported together."""

    def __init__(self, model: Classifier, request: ClassifyRequest, received: float) -> None:
        self._model = model
        self._is_list = isinstance(request.text, list)
        self._texts = request.text if isinstance(request.text, list) else [request.text]
        self._truncate = request.truncate
        self._received = received
        self._predictions: list[dict[str, Any]] = [{} for _ in self._texts]
        self._too_long: dict[int, int] = {}  # index of a text -> its tokens

    @property
    def size(self) -> int:
        return len(self._texts)

    def step(self, index: int) -> None:
        text = self._texts[index]
        token_ids = self._model.token_ids(text)
        truncated = len(token_ids) > self._model.max_tokens
        if truncated and not self._truncate:
            self._too_long[index] = len(token_ids)
        if self._too_long:
            return
        if truncated:
            token_ids = self._model.cut_token_ids(text)
        prediction = prediction_of(self._model.logits(token_ids), self._model.labels)
        self._predictions[index] = prediction | {"truncated": True} if truncated else prediction

    def result(self) -> bytes:
        if self._too_long:
            raise self._text_too_long()
        answer = {"predictions": self._predictions} if self._is_list else self._predictions[0]
        latency_ms = round((time.perf_counter() - self._received) * 1000, 3)
        return orjson.dumps({**answer, "latency_ms": latency_ms, "model_version": self._model.model_version})

    def _text_too_long(self) -> TextTooLong:
        limit = self._model.max_tokens
        counts = sorted(self._too_long.items())
        errors = [
            FieldFault(f"#/text/{index}" if self._is_list else "#/text", f"has {tokens} tokens")
            for index, tokens in counts[:MAX_FAULTS_SHOWN]
        ]
        first, tokens = counts[0]
        return TextTooLong(
            f"{f'text[{first}]' if self._is_list else 'text'} has {tokens} tokens; the model takes {limit}. "
            'Send a shorter text, or "truncate": true to have it cut',
            errors=errors,
        )


def prediction_of(logits: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    """The most probable label and its softmax probability, to six places."""
    best = max(range(len(logits)), key=logits.__getitem__)
    total = sum(math.exp(logit - logits[best]) for logit in logits)
    return {"label": labels[best], "proba": round(1 / total, 6)}
