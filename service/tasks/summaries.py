"""The summaries of one call: of long texts by parts, then of the parts' summaries."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from pydantic import Field
from tokenizers import Tokenizer

from ..backends.generation import Seq2Seq
from ..engine import CallFacts
from ..faults import BadModel, FieldFault, InvalidInput, TextTooLong
from ..manifest import MOST_TOKENS, TextManifest
from . import Limits
from .chunks import Span, chunks
from .requests import MAX_FAULTS_SHOWN
from .texts import NO_TOKENS, estimated_tokens
from .tokenizing import BYTES_PER_TOKEN, BoundedTokenizer, Tokens, TooManyTokens, encoded

MAX_CHUNKS = 16
# A part's summary has at most this share of what the model takes: each round leaves half the parts.
PART_SHARE = 4
# 16 parts, then at most 8, 4, 2 and 1.
MAX_ROUNDS = 5
LEAST_TEXT_TOKENS = 16


class SummarizeManifest(TextManifest):
    """A summarizing model. max_tokens: of a text, or of a part of a longer one, with the prefix."""

    prefix: str = Field(default="", max_length=200)
    """What stands before each text: T5 was trained with `summarize: `."""
    max_new_tokens: int = Field(default=128, ge=1, le=MOST_TOKENS)
    """Most tokens of a summary."""
    num_beams: int | None = Field(default=None, ge=1, le=16)
    """Default: as generation_config.json says, else 1."""


@dataclass(frozen=True, slots=True)
class TextParts:
    """The parts of one text, at most MAX_CHUNKS."""

    texts: list[str]
    are_cut: bool
    """Whether there are more."""
    are_empty: bool
    """Whether the tokenizer leaves nothing of the text."""
    count: str
    """The text's tokens, in words."""


class SummaryModel:
    """Tokenizer and model; used from several threads at once."""

    def __init__(
        self, tokenizer: Tokenizer, backend: Seq2Seq, manifest: SummarizeManifest, limits: Limits
    ) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # A text that spells "</s>" is a text: only the tokenizer itself adds special tokens.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._bounded = BoundedTokenizer(tokenizer, limits.max_text_characters)
        self._backend = backend
        self._prefix = manifest.prefix
        self._max_tokens = manifest.max_tokens
        self.version = manifest.model_version
        self.text_tokens = manifest.max_tokens - len(tokenizer.encode(manifest.prefix).ids)
        """Tokens of a text, or of a part of one, that there is room for."""

    def expect_to_fit(self) -> None:
        """Raise BadModel if the tokenizer is another model's, or the prefix leaves no room."""
        tokens, rows = self._tokenizer.get_vocab_size(), self._backend.vocabulary_size
        if tokens > rows:
            raise BadModel(
                f"tokenizer.json has {tokens} tokens; the model knows {rows}. They are of two models."
            )
        if self.text_tokens < LEAST_TEXT_TOKENS:
            raise BadModel(
                f"the manifest's max_tokens and prefix leave {self.text_tokens} tokens for a text; "
                f"at least {LEAST_TEXT_TOKENS} are needed. Raise max_tokens."
            )

    def parts(self, text: str) -> "TextParts":
        """Return the text in parts that the model takes. Raises TooManyTokens if they cannot be known."""
        return self._parts(self._bounded, text)

    def _parts(self, tokenizer: BoundedTokenizer, text: str) -> "TextParts":
        most = (MAX_CHUNKS + 1) * self.text_tokens

        def counted(tokens: Tokens) -> tuple[list[Span], str]:
            # A part ends before the first token that it has no room for: the first MAX_CHUNKS are known.
            spans = tokens.encoding.offsets
            return (spans, f"{len(tokens)}") if tokens.is_whole else (spans[:most], f"more than {most}")

        spans, count = tokenizer.read(text, most, counted)
        parts = list(islice(chunks(text, spans, self.text_tokens, self._excess), MAX_CHUNKS + 1)) or [text]
        return TextParts(parts[:MAX_CHUNKS], len(parts) > MAX_CHUNKS, not spans, f"has {count} tokens")

    def _excess(self, text: str) -> int:
        return len(encoded(self._tokenizer, self._prefix + text).ids) - self._max_tokens

    def tried(self, text: str) -> str:
        """Return a short summary of the text's first part."""
        parts = self._parts(self._bounded.for_texts_of(len(text)), text)
        summary = self.summary(parts.texts[0], 0, 2, lambda: True)
        return "" if summary is None else summary.text

    def summary(
        self, text: str, min_tokens: int, max_tokens: int, going: Callable[[], bool]
    ) -> "Summary | None":
        """Summarize a text of at most `text_tokens`; None once `going` returns False."""
        summaries = self.summaries([text], min_tokens, max_tokens, going)
        return None if summaries is None else summaries[0]

    def summaries(
        self, texts: Sequence[str], min_tokens: int, max_tokens: int, going: Callable[[], bool]
    ) -> "list[Summary] | None":
        """Summarize each text, as `summary` does; together, where the backend computes so."""
        prompts: list[list[int]] = [encoded(self._tokenizer, self._prefix + text).ids for text in texts]
        answers = self._backend.generate_all(prompts, min_tokens, max_tokens, going)
        if answers is None:
            return None
        return [self._read(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def _read(self, prompt: Sequence[int], answer: list[int]) -> "Summary":
        summary = self._tokenizer.decode(answer, skip_special_tokens=True).strip()
        return Summary(summary, len(prompt), len(answer))


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary, with the tokens that its model read and generated."""

    text: str
    input_tokens: int
    output_tokens: int


class SummariesWork:
    """One call, with a text per step. After a text over the limit the rest is only counted."""

    def __init__(
        self,
        model: SummaryModel,
        text: str | list[str],
        truncate: bool,
        min_tokens: int,
        max_tokens: int,
        received: float,
    ) -> None:
        self._model = model
        self._is_list = isinstance(text, list)
        self._texts = text if isinstance(text, list) else [text]
        self._truncate = truncate
        self._min_tokens, self._max_tokens = min_tokens, max_tokens
        self._received = received
        self._summaries = [""] * len(self._texts)
        self._cut: set[int] = set()
        self._too_long: dict[int, str] = {}  # index of a text -> in words, by how much
        self._without_tokens: set[int] = set()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._input_tokens = self._output_tokens = 0

    @property
    def size(self) -> int:
        return len(self._texts)

    @property
    def tokens(self) -> int:
        most = MAX_CHUNKS * self._model.text_tokens
        return sum(estimated_tokens(text, most) + self._max_tokens for text in self._texts)

    @property
    def answer_bytes(self) -> int:
        return self.size * self._max_tokens * BYTES_PER_TOKEN

    def stop(self) -> None:
        """End at the next token, because the client has left. From any thread."""
        self._stopped.set()

    def step(self, index: int) -> None:
        if len(self._too_long) >= MAX_FAULTS_SHOWN:  # all that are shown
            return
        try:
            parts = self._model.parts(self._texts[index])
        except TooManyTokens as error:
            self._too_long[index] = str(error)
            return
        if parts.are_cut:
            if not self._truncate:
                self._too_long[index] = parts.count
            self._cut.add(index)
        if parts.are_empty:
            self._without_tokens.add(index)
        if not self._too_long and not self._without_tokens:
            self._summaries[index] = self._joined(index, parts.texts)

    def _joined(self, index: int, texts: list[str]) -> str:
        """Summarize the parts' summaries, joined, again and again until one part holds them all."""
        most = min(self._max_tokens, self._model.text_tokens // PART_SHARE)
        for _ in range(MAX_ROUNDS):
            if len(texts) == 1:
                break
            texts = self._model.parts("\n".join(self._summaries_of(texts, 0, most))).texts
        if len(texts) > 1:
            self._cut.add(index)
        return self._summaries_of(texts[:1], self._min_tokens, self._max_tokens)[0]

    def _summaries_of(self, texts: list[str], min_tokens: int, max_tokens: int) -> list[str]:
        def going() -> bool:
            return not self._stopped.is_set()

        summaries = self._model.summaries(texts, min_tokens, max_tokens, going) if going() else None
        if summaries is None:
            return [""] * len(texts)
        with self._lock:  # steps of one call may run at the same time
            self._input_tokens += sum(summary.input_tokens for summary in summaries)
            self._output_tokens += sum(summary.output_tokens for summary in summaries)
        return [summary.text for summary in summaries]

    @property
    def facts(self) -> CallFacts:
        """Count what the model read and generated, the summaries of parts included."""
        return CallFacts(self._input_tokens, self._output_tokens)

    def result(self) -> bytes:
        if self._too_long:
            raise self._text_too_long()
        if self._without_tokens:
            raise self._nothing_to_summarise()
        if self._is_list:
            summaries: dict[str, Any] = {"summaries": self._summaries}
            cut: Any = sorted(self._cut)
        else:
            summaries = {"summary": self._summaries[0]}
            cut = bool(self._cut)
        answer = summaries | ({"truncated": cut} if cut else {})
        timing = {
            "latency_ms": round((time.perf_counter() - self._received) * 1000, 3),
            "model_version": self._model.version,
        }
        return orjson.dumps(answer | timing)

    def _nothing_to_summarise(self) -> InvalidInput:
        places = sorted(self._without_tokens)[:MAX_FAULTS_SHOWN]
        errors = [FieldFault(self._pointer(index), NO_TOKENS) for index in places]
        return InvalidInput(f"{self._place(places[0])} {NO_TOKENS}", errors=errors)

    def _pointer(self, index: int) -> str:
        return f"#/text/{index}" if self._is_list else "#/text"

    def _place(self, index: int) -> str:
        return f"text[{index}]" if self._is_list else "text"

    def _text_too_long(self) -> TextTooLong:
        faults = sorted(self._too_long.items())[:MAX_FAULTS_SHOWN]
        errors = [FieldFault(self._pointer(index), fault) for index, fault in faults]
        first, fault = faults[0]
        return TextTooLong(
            f"{self._place(first)} {fault}; at most {MAX_CHUNKS} "
            f"parts of up to {self._model.text_tokens} tokens are summarised. Send a shorter text"
            + ("" if self._truncate else ', or "truncate": true to have it cut'),
            errors=errors,
        )
