"""Classification: a text, or a list of texts, to one of the model's labels with its probability."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, create_model
from pydantic_core import PydanticCustomError
from tokenizers import Tokenizer

from ..backends import Backend, Float32s
from ..engine import Observation, Work
from ..faults import BadModel
from ..folder import ModelFolder
from ..manifest import TEXT_FILES, Name, TextManifest, all_different
from . import Limits, Operation, Task
from .requests import parsed
from .texts import (
    LatencyMs,
    ModelVersion,
    TextModel,
    TextsRequest,
    TextsWork,
    Truncated,
    bounds_of,
    one_or_many,
    warm_up,
)

OUTPUT = "logits"
# A prediction's dict, its probability, and both as JSON with a label of up to 100 characters.
PREDICTION_BYTES = 500
# Texts to try where the manifest has no examples: of whatever labels.
FIRST = "The delivery came two days early, and everything works."
SECOND = "Nobody has answered my question since Monday."


def _two_or_more(labels: list[str]) -> list[str]:
    if len(labels) < 2:
        needs = "a classifier needs two or more, in the order of its logits"
        raise PydanticCustomError("labels", "got {count}; {needs}", {"count": len(labels), "needs": needs})
    all_different(labels)
    return labels


class ClassifyManifest(TextManifest):
    labels: Annotated[list[Name], AfterValidator(_two_or_more)] = Field(default=[], validate_default=True)


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


def request_model(limits: Limits, texts: Sequence[str]) -> type[TextsRequest]:
    examples = [texts[0], list(texts[:2])]
    described = Field(description="The text to classify, or a list of texts.", examples=examples)
    doc = "One text, or a list of texts."
    field = (one_or_many(limits), described)
    return create_model("PredictRequest", __base__=TextsRequest, __doc__=doc, text=field)


class Classify(Task):
    manifest_type = ClassifyManifest
    files = TEXT_FILES

    def __init__(self, manifest: ClassifyManifest, limits: Limits) -> None:
        self._texts = manifest.examples or (FIRST, SECOND)
        self._request_model = request_model(limits, self._texts)
        self._limits = limits
        self._bounds = bounds_of(limits)
        self._manifest = manifest
        self._model: TextModel | None = None
        self.operations = (self._operation(),)

    def _operation(self) -> Operation:
        manifest = self._manifest
        one = {"label": manifest.labels[-1], "proba": 0.97}
        timing = {"latency_ms": 0.62, "model_version": manifest.model_version}
        labels = ", ".join(f"`{label}`" for label in manifest.labels)
        return Operation(
            path="/predict",
            operation_id="predict",
            summary="Classify a text, or a list of texts",
            description=(
                f"Model `{manifest.model_version}`, labels {labels}. "
                f"A text longer than {manifest.max_tokens} tokens is refused, or cut if `truncate` is true."
            ),
            request_model=self._request_model,
            answer_models=(SinglePrediction, ListPrediction),
            request_examples={
                "one text": {"text": self._texts[0]},
                "a list": {"text": list(self._texts[:2])},
            },
            answer_examples={"one text": one | timing, "a list": {"predictions": [one, one]} | timing},
            work=self.work,
            texts=self._texts,
        )

    def load(self, model: ModelFolder) -> None:
        self.attach(model.tokenizer(), backend_of(model))

    def attach(self, tokenizer: Tokenizer, backend: Backend) -> None:
        model = TextModel(self._manifest, tokenizer, backend, self._limits)
        model.expect_to_fit()
        for text in (SECOND, FIRST * 2, model.longest_of(FIRST)):
            logits = model.tried(text)
            if len(logits) != len(self._manifest.labels):
                raise BadModel(
                    f"the model gives {len(logits)} logits {logits.tolist()}; "
                    f"the manifest has {len(self._manifest.labels)} labels."
                )
        self._model = model
        warm_up(self.work, [FIRST, SECOND])

    def work(self, body: bytes, received: float) -> Work[bytes]:
        request = parsed(self._request_model, body, self._bounds)
        if self._model is None:
            raise RuntimeError("work before attach")
        return ClassifyWork(self._model, self._manifest.labels, request, received)


def backend_of(model: ModelFolder) -> Backend:
    """Return a backend from token ids to logits, on the model's engine. Raises BadModel."""
    if model.engine == "torch":
        model.refuse_unlisted()
        from ..backends.torch import TorchBackend

        return TorchBackend(model.path, model.device)
    return model.onnx_over_tokens(OUTPUT)


class ClassifyWork(TextsWork):
    def __init__(
        self, model: TextModel, labels: Sequence[str], request: TextsRequest, received: float
    ) -> None:
        super().__init__(model, request.text, request.truncate, received)
        self._labels = labels
        self._predictions: list[dict[str, Any]] = [{} for _ in self.texts]

    @property
    def answer_bytes(self) -> int:
        return PREDICTION_BYTES * self.size

    def found(self, index: int, output: Float32s, truncated: bool) -> None:
        prediction = prediction_of(output.tolist(), self._labels)
        self._predictions[index] = prediction | {"truncated": True} if truncated else prediction

    def observations(self) -> list[Observation]:
        counts = zip(self._predictions, self.token_counts, self.unknown_counts, strict=True)
        return [
            Observation(each["label"], each["proba"], tokens, unknown) for each, tokens, unknown in counts
        ]

    def answer(self) -> dict[str, Any]:
        answer = {"predictions": self._predictions} if self.is_list else self._predictions[0]
        return {**answer, **self.timing()}


def prediction_of(logits: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    """Return the most probable label and its softmax probability, to six places."""
    best = max(range(len(logits)), key=logits.__getitem__)
    total = sum(math.exp(logit - logits[best]) for logit in logits)
    return {"label": labels[best], "proba": round(1 / total, 6)}


TASK = Classify
