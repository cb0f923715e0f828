"""Embedding: a text, or a list of texts, to a vector each; also in the form of OpenAI's API."""

import base64
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model
from tokenizers import Tokenizer

from ..backends import Backend, Float32s
from ..engine import Work
from ..faults import BadModel, FieldFault, InvalidInput
from ..folder import ModelFolder
from ..manifest import TEXT_FILES, TextManifest
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

OUTPUT = "emb"
FIRST = "How do I reset my password?"
SECOND = "I cannot log in any more."
# Of a vector: its array, and its place in the answer. Of a number: its float32, and up to 13 bytes of JSON.
VECTOR_BYTES, NUMBER_BYTES = 250, 17


class EmbedManifest(TextManifest):
    pooling: Literal["mean", "cls"] = "mean"
    """How torch makes one vector of the tokens'; a graph for ONNX has it inside."""
    normalize: bool = True
    """Whether torch makes its length 1."""


class SingleEmbedding(BaseModel):
    """The answer to one text."""

    embedding: list[float] = Field(description="The text's vector.", examples=[[0.021, -0.113, 0.048]])
    truncated: Truncated = False
    latency_ms: LatencyMs
    model_version: ModelVersion


class ListEmbedding(BaseModel):
    """The answer to a list of texts."""

    embeddings: list[list[float]] = Field(
        description="One vector per text, in the order of the request.",
        examples=[[[0.021, -0.113], [0.1, 0.2]]],
    )
    truncated: list[int] = Field(
        default=[], description="Present where texts were cut to the limit: their places.", examples=[[1]]
    )
    latency_ms: LatencyMs
    model_version: ModelVersion


class EmbeddingsFields(BaseModel):
    """What OpenAI's clients send; fields that mean nothing here (`user`) are let through."""

    model_config = ConfigDict(extra="ignore")

    input: str | list[str]
    model: str = Field(default="", description="Ignored: one model is served.", examples=["minilm"])
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="Numbers, or little-endian float32 in base64.", examples=["float"]
    )
    dimensions: int | None = Field(
        default=None, description="Only the model's own number is possible.", examples=[384]
    )


class OpenAiEmbedding(BaseModel):
    object: Literal["embedding"]
    index: int = Field(ge=0, description="Place of the text in `input`.")
    embedding: list[float] | str = Field(description="Numbers, or base64.")


class OpenAiUsage(BaseModel):
    prompt_tokens: int = Field(ge=0, description="Tokens of all texts.")
    total_tokens: int = Field(ge=0, description="The same.")


class OpenAiAnswer(BaseModel):
    """The answer in OpenAI's form."""

    object: Literal["list"]
    data: list[OpenAiEmbedding]
    model: str
    usage: OpenAiUsage


class Embed(Task):
    manifest_type = EmbedManifest
    files = TEXT_FILES

    def __init__(self, manifest: EmbedManifest, limits: Limits) -> None:
        text: Any = one_or_many(limits)
        self._texts = manifest.examples or (FIRST, SECOND)
        described = Field(description="The text to embed, or a list of texts.", examples=[self._texts[0]])
        self._request_model = create_model(
            "EmbedRequest",
            __base__=TextsRequest,
            __doc__="One text, or a list of texts.",
            text=(text, described),
        )
        self._openai_model = create_model(
            "EmbeddingsRequest",
            __base__=EmbeddingsFields,
            __doc__=EmbeddingsFields.__doc__,
            input=(text, described),
        )
        self._limits = limits
        self._bounds = bounds_of(limits)
        self._manifest = manifest
        self._model: TextModel | None = None
        self._width = 0
        self.operations = (self._embed(), self._openai())

    def _embed(self) -> Operation:
        timing = {"latency_ms": 1.6, "model_version": self._manifest.model_version}
        vector = [0.021, -0.113, 0.048]
        return Operation(
            path="/embed",
            operation_id="embed",
            summary="Embed a text, or a list of texts",
            description=self._limit("refused, or cut if `truncate` is true."),
            request_model=self._request_model,
            answer_models=(SingleEmbedding, ListEmbedding),
            request_examples={
                "one text": {"text": self._texts[0]},
                "a list": {"text": list(self._texts[:2])},
            },
            answer_examples={
                "one text": {"embedding": vector} | timing,
                "a list": {"embeddings": [vector, vector]} | timing,
            },
            work=self.work,
            texts=self._texts,
        )

    def _openai(self) -> Operation:
        one = {"object": "embedding", "index": 0, "embedding": [0.021, -0.113, 0.048]}
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        answer = {"object": "list", "data": [one], "model": self._manifest.model_version, "usage": usage}
        return Operation(
            path="/v1/embeddings",
            operation_id="createEmbedding",
            summary="Embed texts as OpenAI's API does",
            description=self._limit("refused.") + " OpenAI's own clients work unchanged.",
            request_model=self._openai_model,
            answer_models=(OpenAiAnswer,),
            request_examples={"one text": {"input": self._texts[0], "model": self._manifest.name}},
            answer_examples={"one text": answer},
            work=self._openai_work,
        )

    def _limit(self, what: str) -> str:
        manifest = self._manifest
        return f"Model `{manifest.model_version}`. A text longer than {manifest.max_tokens} tokens is {what}"

    def load(self, model: ModelFolder) -> None:
        self.attach(model.tokenizer(), backend_of(model, self._manifest))

    def attach(self, tokenizer: Tokenizer, backend: Backend) -> None:
        model = TextModel(self._manifest, tokenizer, backend, self._limits)
        model.expect_to_fit()
        widths = {model.tried(text).shape for text in (FIRST, SECOND * 2, model.longest_of(SECOND))}
        if len(widths) != 1 or len(next(iter(widths))) != 1:
            raise BadModel(f"the model gives vectors of the shapes {sorted(widths)}; one width is expected.")
        self._width = next(iter(widths))[0]
        self._model = model
        warm_up(self.work, [FIRST, SECOND])

    def work(self, body: bytes, received: float) -> Work[bytes]:
        request = parsed(self._request_model, body, self._bounds)
        return EmbedWork(self._ready(), self._width, request.text, request.truncate, received)

    def _openai_work(self, body: bytes, received: float) -> Work[bytes]:
        request = parsed(self._openai_model, body, self._bounds)
        model = self._ready()
        if request.dimensions not in (None, self._width):
            raise InvalidInput(
                f"dimensions is {request.dimensions}; this model has {self._width}",
                errors=[FieldFault("#/dimensions", f"must be {self._width}, or left out")],
            )
        return OpenAiWork(model, self._width, request, received)

    def _ready(self) -> TextModel:
        if self._model is None:
            raise RuntimeError("work before attach")
        return self._model


def backend_of(model: ModelFolder, manifest: EmbedManifest) -> Backend:
    """Return a backend from token ids to vectors, on the model's engine. Raises BadModel."""
    if model.engine == "torch":
        model.refuse_unlisted()
        from ..backends.torch import TorchEmbedder

        return TorchEmbedder(model.path, manifest.pooling, manifest.normalize, model.device)
    return model.onnx_over_tokens(OUTPUT)


class EmbedWork(TextsWork):
    """width: numbers of a vector."""

    def __init__(
        self,
        model: TextModel,
        width: int,
        text: str | list[str],
        truncate: bool,
        received: float,
        field: str = "text",
    ) -> None:
        super().__init__(model, text, truncate, received, field)
        self._width = width
        self.vectors: list[Float32s] = [np.empty(0, np.float32)] * self.size
        self._cut: list[int] = []

    @property
    def answer_bytes(self) -> int:
        return self.size * (VECTOR_BYTES + NUMBER_BYTES * self._width)

    def found(self, index: int, output: Float32s, truncated: bool) -> None:
        self.vectors[index] = np.ascontiguousarray(output)
        if truncated:
            self._cut.append(index)

    def answer(self) -> dict[str, Any]:
        if not self.is_list:
            cut = {"truncated": True} if self._cut else {}
            return {"embedding": self.vectors[0], **cut, **self.timing()}
        cut = {"truncated": sorted(self._cut)} if self._cut else {}
        return {"embeddings": self.vectors, **cut, **self.timing()}


class OpenAiWork(EmbedWork):
    or_else = ""

    def __init__(self, model: TextModel, width: int, request: EmbeddingsFields, received: float) -> None:
        super().__init__(model, width, request.input, truncate=False, received=received, field="input")
        self._as_base64 = request.encoding_format == "base64"

    def answer(self) -> dict[str, Any]:
        shown = [_base64(vector) if self._as_base64 else vector for vector in self.vectors]
        data = [
            {"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(shown)
        ]
        tokens = sum(self.token_counts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": self.timing()["model_version"], "usage": usage}


def _base64(vector: Float32s) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


TASK = Embed
