"""Summarising: a text, or a list of texts, to a summary each, by an encoder-decoder model such as T5."""

from typing import Any, ClassVar

from pydantic import BaseModel, Field, create_model
from tokenizers import Tokenizer

from ..backends.generation import Seq2Seq
from ..engine import Work
from ..faults import BadModel, FieldFault, InvalidInput
from ..folder import ModelFolder
from ..manifest import SEQ2SEQ_FILES, EngineFiles
from . import Limits, Operation, Task
from .requests import parsed
from .summaries import MAX_CHUNKS, SummariesWork, SummarizeManifest, SummaryModel
from .texts import LatencyMs, ModelVersion, TextsRequest, Truncated, bounds_of, one_or_many, repeated

TEXT = (
    "The harbour was closed on Monday after a storm tore two ships from their moorings. One drifted onto the "
    "slipway and blocked it until the evening. Nobody was hurt. The harbour opened again on Tuesday morning."
)
SUMMARY = "A storm closed the harbour on Monday; nobody was hurt."


class SummaryRequest(TextsRequest):
    """One text, or a list of texts."""

    truncate: bool = Field(
        default=False,
        description=f"Cut a text of more than {MAX_CHUNKS} parts instead of refusing it.",
        examples=[False],
    )
    max_tokens: int | None = None
    min_tokens: int = Field(default=0, ge=0, description="Minimum tokens of a summary.", examples=[10])


class SingleSummary(BaseModel):
    """The answer to one text."""

    summary: str = Field(description="The text's summary.", examples=[SUMMARY])
    truncated: Truncated = False
    latency_ms: LatencyMs
    model_version: ModelVersion


class ListSummary(BaseModel):
    """The answer to a list of texts."""

    summaries: list[str] = Field(
        description="One summary per text, in the order of the request.", examples=[[SUMMARY]]
    )
    truncated: list[int] = Field(
        default=[], description="Present where texts were cut to the limit: their places.", examples=[[1]]
    )
    latency_ms: LatencyMs
    model_version: ModelVersion


class Summarize(Task):
    manifest_type = SummarizeManifest
    files: ClassVar[EngineFiles] = SEQ2SEQ_FILES

    def __init__(self, manifest: SummarizeManifest, limits: Limits) -> None:
        most = Field(
            default=None,
            ge=1,
            le=manifest.max_new_tokens,
            description=f"Maximum tokens of a summary. Default {manifest.max_new_tokens}.",
            examples=[min(60, manifest.max_new_tokens)],
        )
        self._texts = manifest.examples or (TEXT,)
        described = "The text to summarise, or a list of texts."
        text = Field(description=described, examples=[self._texts[0]])
        self._request_model = create_model(
            "SummarizeRequest",
            __base__=SummaryRequest,
            __doc__=SummaryRequest.__doc__,
            text=(one_or_many(limits), text),
            max_tokens=(int | None, most),
        )
        self._limits = limits
        self._bounds = bounds_of(limits)
        self._manifest = manifest
        self._model: SummaryModel | None = None
        self.operations = (self._operation(),)

    def _operation(self) -> Operation:
        manifest = self._manifest
        timing = {"latency_ms": 640.2, "model_version": manifest.model_version}
        return Operation(
            path="/summarize",
            operation_id="summarize",
            summary="Summarise a text, or a list of texts",
            description=(
                f"Model `{manifest.model_version}`. A text of more than {manifest.max_tokens} tokens is cut "
                "where sentences end; its parts are summarised, and their summaries together again. One of "
                f"more than {MAX_CHUNKS} parts is refused, or cut if `truncate` is true."
            ),
            request_model=self._request_model,
            answer_models=(SingleSummary, ListSummary),
            request_examples={
                "one text": {"text": self._texts[0]},
                "a list": {"text": [self._texts[0], self._texts[-1]]},
            },
            answer_examples={
                "one text": {"summary": SUMMARY} | timing,
                "a list": {"summaries": [SUMMARY, SUMMARY]} | timing,
            },
            work=self.work,
            texts=self._texts,
        )

    def load(self, model: ModelFolder) -> None:
        model.refuse_unlisted()
        self.attach(model.tokenizer(), _backend(model, self._manifest.num_beams))

    def attach(self, tokenizer: Tokenizer, backend: Seq2Seq) -> None:
        """Take the model and warm it up. Raises BadModel if it does not fit the manifest or the tokenizer."""
        manifest = self._manifest
        model = SummaryModel(tokenizer, backend, manifest, self._limits)
        model.expect_to_fit()
        for text in (TEXT, repeated(TEXT, manifest.max_tokens, self._limits.max_text_characters)):
            try:
                model.tried(text)
            except BadModel:
                raise
            except Exception as error:  # Transformers has classes of its own
                raise BadModel(f"the model fails on a text of its own: {str(error).strip()[:300]}") from None
        self._model = model

    def work(self, body: bytes, received: float) -> Work[bytes]:
        request: Any = parsed(self._request_model, body, self._bounds)
        most = request.max_tokens or self._manifest.max_new_tokens
        if request.min_tokens > most:
            detail = f"is {request.min_tokens}, above max_tokens, {most}"
            raise InvalidInput(f"min_tokens {detail}", errors=[FieldFault("#/min_tokens", detail)])
        if self._model is None:
            raise RuntimeError("work before load")
        return SummariesWork(self._model, request.text, request.truncate, request.min_tokens, most, received)


def _backend(model: ModelFolder, num_beams: int | None) -> Seq2Seq:
    if model.engine == "ctranslate2":
        from ..backends.ct2_seq2seq import Ct2Seq2Seq

        return Ct2Seq2Seq(model, num_beams)
    from ..backends.seq2seq import TorchSeq2Seq

    return TorchSeq2Seq(model.path, num_beams, model.device)


TASK = Summarize
