"""What tasks over texts share: tokenising to the model's limit, and a call of one text or many."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from tokenizers import Tokenizer

from ..backends import Backend, Float32s
from ..engine import BatchWork, CallFacts, Observation, Work
from ..faults import BadModel, FieldFault, InvalidInput, TextTooLong
from ..manifest import TextManifest
from . import Limits
from .bounds import Bounds
from .lists import Counted
from .requests import MAX_FAULTS_SHOWN
from .tokenizing import BoundedTokenizer, Tokens, TooManyTokens, encoded

WARM_UP_RUNS = 3
NO_TOKENS = "has no tokens: the model's tokenizer leaves nothing of it"

LatencyMs = Annotated[
    float, Field(ge=0, description="Milliseconds from the request's arrival to its answer.", examples=[0.62])
]
ModelVersion = Annotated[
    str,
    Field(
        description="Name, version and the first 12 hex digits of the weights' SHA-256.",
        examples=["sms-spam-1.0.0+31239f92ad32"],
    ),
]
Truncated = Annotated[
    bool, Field(description="Present, and true, where the text was cut to the limit.", examples=[True])
]


class TextsRequest(BaseModel):
    """The fields of a request; a task's own model adds this deployment's limits."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str | list[str]
    truncate: bool = Field(
        default=False,
        description="Cut a text that is longer than the model's limit instead of refusing it.",
        examples=[False],
    )


def one_or_many(limits: Limits) -> Any:
    """Return the type of a field that takes a text or a list of texts, within the limits."""
    string = Annotated[str, Field(min_length=1, max_length=limits.max_text_characters, pattern=r"\S")]
    one: Any = Annotated[string, Tag("one")]
    many: Any = Annotated[list[string], Counted(limits.max_texts, least=1), Tag("list")]
    return Annotated[one | many, Discriminator(_branch)]


def bounds_of(limits: Limits) -> Bounds:
    """Return the bounds of a call of texts."""
    return Bounds.for_items(limits.max_texts, "texts")


def _branch(value: Any) -> str:
    return "list" if isinstance(value, list) else "one"


def warm_up(work_of: Callable[[bytes, float], Work[bytes]], texts: Sequence[str]) -> None:
    """Process requests completely, so that the first real one is no slower."""
    for _ in range(WARM_UP_RUNS):
        work = work_of(orjson.dumps({"text": texts, "truncate": True}), time.perf_counter())
        for index in range(work.size):
            work.step(index)
        work.result()


def repeated(text: str, times: int, max_characters: int) -> str:
    """Repeat the text, cut to `max_characters` but never below one whole text."""
    most = max(len(text), max_characters)
    return (text * min(times, most // len(text) + 1))[:most]


def estimated_tokens(text: str, max_tokens: int) -> int:
    """Estimate the tokens of a text without tokenising, rather too many than few; at most `max_tokens`."""
    return min(max_tokens, len(text.encode()) // 3 + 2)


def unknown_id(tokenizer: Tokenizer) -> int:
    """Return the token that stands for what the tokenizer does not know; -1 where it knows everything."""
    model: Any = tokenizer.model
    number: int | None = getattr(model, "unk_id", None)
    if number is None and isinstance(token := getattr(model, "unk_token", None), str):
        number = tokenizer.token_to_id(token)
    return -1 if number is None else number


class TextModel:
    """Tokenizer and model; called from several threads at once."""

    def __init__(
        self, manifest: TextManifest, tokenizer: Tokenizer, backend: Backend, limits: Limits
    ) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # A text that spells "[SEP]" is a text: only the tokenizer itself adds special tokens.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._bounded = BoundedTokenizer(tokenizer, limits.max_text_characters)
        self._cutter: Any = Tokenizer.from_str(tokenizer.to_str())
        self._cutter.enable_truncation(manifest.max_tokens)
        self.unknown_id = unknown_id(tokenizer)
        self._special_tokens = tokenizer.num_special_tokens_to_add(is_pair=False)
        self._backend = backend
        self._max_characters = limits.max_text_characters
        self.max_tokens = manifest.max_tokens
        self.model_version = manifest.model_version

    def expect_to_fit(self) -> None:
        """Raise BadModel if max_tokens leaves no room, or the model does not know the tokenizer's tokens."""
        if self.max_tokens <= self._special_tokens:
            raise BadModel(
                f"the manifest's max_tokens is {self.max_tokens}; tokenizer.json adds {self._special_tokens} "
                f"tokens to each text, so at least {self._special_tokens + 1} are needed."
            )
        highest = max(0, self._tokenizer.get_vocab_size(with_added_tokens=False) - 1)
        try:
            self.output([highest])
        except Exception as error:  # each runtime has classes of its own
            raise BadModel(
                f"the model fails on token {highest}, which tokenizer.json has: {str(error).strip()[:300]}. "
                "They are of two models."
            ) from None

    def longest_of(self, text: str) -> str:
        """Repeat the text to the most that the model takes, but no longer than a request's may be."""
        return repeated(text, self.max_tokens, self._max_characters)

    def token_ids(self, text: str, truncate: bool) -> tuple[list[int], bool]:
        """Return the tokens that the model takes of a text, and whether the text was cut.

        Raises TooManyTokens for a text over the limit that may not be cut.
        """
        if len(text) <= self.max_tokens and self._bounded.is_short(text):
            token_ids = encoded(self._tokenizer, text).ids
            if len(token_ids) <= self.max_tokens:  # nearly always, with no more characters
                return token_ids, False
        return self._token_ids(self._bounded, text, truncate)

    def _token_ids(self, bounded: BoundedTokenizer, text: str, truncate: bool) -> tuple[list[int], bool]:
        room = max(1, self.max_tokens - self._special_tokens)

        def taken(tokens: Tokens) -> tuple[list[int], bool]:
            too_long = len(tokens) > room or not tokens.is_whole
            if too_long and not truncate:
                whole = len(tokens) + self._special_tokens
                count = f"{whole}" if tokens.is_whole else f"more than {self.max_tokens}"
                raise TooManyTokens(f"has {count} tokens")
            return self._cutter.post_process(tokens.encoding).ids, too_long

        return bounded.read(text, room, taken, counted=not truncate)

    def output(self, token_ids: Sequence[int]) -> Float32s:
        """Return the model's output for one text, [width]."""
        input_ids = np.array([token_ids], dtype=np.int64)
        return self._backend.run(input_ids, np.ones_like(input_ids))[0]

    def outputs(self, texts: Sequence[Sequence[int]]) -> Float32s:
        """Return the outputs for several texts, padded to the longest, in one forward: [texts, width]."""
        input_ids = np.zeros((len(texts), max(map(len, texts))), dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, token_ids in enumerate(texts):
            input_ids[row, : len(token_ids)] = token_ids
            attention_mask[row, : len(token_ids)] = 1
        return self._backend.run(input_ids, attention_mask)

    def tried(self, text: str) -> Float32s:
        """Return the output for a text cut to the limit. Raises BadModel if the model cannot compute it."""
        token_ids, _ = self._token_ids(self._bounded.for_texts_of(len(text)), text, truncate=True)
        try:
            output = self.output(token_ids)
        except Exception as error:  # each runtime has classes of its own
            raise BadModel(
                f"the model fails on a text of {len(token_ids)} tokens, the highest number {max(token_ids)} "
                f"(the manifest's max_tokens is {self.max_tokens}): {str(error).strip()[:300]}"
            ) from None
        if not np.isfinite(output).all():
            raise BadModel(f"the model gives {output.tolist()[:8]} for a text of {len(token_ids)} tokens.")
        return output


class TextsWork(BatchWork):
    """One call. After a text over the limit the rest is only counted, so that they are reported together.

    A task's `found` handles one text, and its `answer` all of them. field: the request's.
    """

    or_else = ', or "truncate": true to have it cut'
    """What the caller of a text over the limit may do instead of a shorter one."""

    def __init__(
        self, model: TextModel, text: str | list[str], truncate: bool, received: float, field: str = "text"
    ) -> None:
        self.is_list = isinstance(text, list)
        self.texts = text if isinstance(text, list) else [text]
        self.token_counts = [0] * len(self.texts)
        self.unknown_counts = [0] * len(self.texts)
        self.tokens = sum(estimated_tokens(each, model.max_tokens) for each in self.texts)
        self._model = model
        self._field = field
        self._truncate = truncate
        self._received = received
        self._too_long: dict[int, str] = {}  # index of a text -> in words, by how much
        self._without_tokens: set[int] = set()  # indices of texts of which the tokenizer leaves nothing
        self._prepared: dict[
            int, tuple[list[int], bool]
        ] = {}  # index -> token ids, and whether they were cut

    @property
    def size(self) -> int:
        return len(self.texts)

    @property
    def facts(self) -> CallFacts:
        return CallFacts(sum(self.token_counts), observations=self.observations())

    def observations(self) -> list[Observation]:
        """Return what is counted of each text."""
        counts = zip(self.token_counts, self.unknown_counts, strict=True)
        return [Observation(None, None, tokens, unknown) for tokens, unknown in counts]

    @property
    @abstractmethod
    def answer_bytes(self) -> int:
        """What the outputs of all texts take, and the answer that is made of them."""

    def prepare(self, index: int) -> int:
        if len(self._too_long) >= MAX_FAULTS_SHOWN:  # all that are shown
            return 0
        try:
            token_ids, truncated = self._model.token_ids(self.texts[index], self._truncate)
        except TooManyTokens as error:
            self._too_long[index] = str(error)
            return 0
        if not token_ids:
            self._without_tokens.add(index)
        if self._too_long or self._without_tokens:
            return 0
        self.token_counts[index] = len(token_ids)
        self.unknown_counts[index] = token_ids.count(self._model.unknown_id)
        self._prepared[index] = (token_ids, truncated)
        return len(token_ids)

    def compute(self, batch: Sequence[tuple["TextsWork", int]]) -> None:
        texts = [work._prepared[index] for work, index in batch]
        if len(texts) == 1:
            outputs = [self._model.output(texts[0][0])]
        else:
            outputs = self._model.outputs([token_ids for token_ids, _ in texts])
        for (work, index), (_, truncated), output in zip(batch, texts, outputs, strict=True):
            work.found(index, output, truncated)
            del work._prepared[index]

    def stop(self) -> None:
        """Do nothing: a step is too short to be cut."""

    def result(self) -> bytes:
        if self._too_long:
            raise self._text_too_long()
        if self._without_tokens:
            raise self._nothing_to_compute()
        return orjson.dumps(self.answer(), option=orjson.OPT_SERIALIZE_NUMPY)

    @abstractmethod
    def found(self, index: int, output: Float32s, truncated: bool) -> None:
        """Keep the model's output for one text. Called for several texts of one call at the same time."""

    @abstractmethod
    def answer(self) -> dict[str, Any]:
        """Return the answer, once every text was computed."""

    def timing(self) -> dict[str, Any]:
        latency_ms = round((time.perf_counter() - self._received) * 1000, 3)
        return {"latency_ms": latency_ms, "model_version": self._model.model_version}

    def _nothing_to_compute(self) -> InvalidInput:
        places = sorted(self._without_tokens)[:MAX_FAULTS_SHOWN]
        errors = [FieldFault(self._pointer(index), NO_TOKENS) for index in places]
        return InvalidInput(f"{self._place(places[0])} {NO_TOKENS}", errors=errors)

    def _pointer(self, index: int) -> str:
        return f"#/{self._field}/{index}" if self.is_list else f"#/{self._field}"

    def _place(self, index: int) -> str:
        return f"{self._field}[{index}]" if self.is_list else self._field

    def _text_too_long(self) -> TextTooLong:
        limit = self._model.max_tokens
        faults = sorted(self._too_long.items())[:MAX_FAULTS_SHOWN]
        errors = [FieldFault(self._pointer(index), fault) for index, fault in faults]
        first, fault = faults[0]
        return TextTooLong(
            f"{self._place(first)} {fault}; the model takes {limit} tokens. "
            f"Send a shorter text{'' if self._truncate else self.or_else}",
            errors=errors,
        )
