"""One generation: from a prompt to tokens, text, stop strings and the parts of a stream."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from ..backends.generation import Causal, ChatRefused, Sampling, SeedRefused
from ..engine import CallFacts, Observation
from ..faults import BadModel, FieldFault, InvalidInput, TextTooLong
from .stop import StopStrings
from .streams import Emit, StreamableWork, event
from .texts import NO_TOKENS, estimated_tokens
from .tokenizing import BYTES_PER_TOKEN, BoundedTokenizer, Tokens, TooManyTokens

FinishReason = Literal["stop", "length"]
# A part of a stream in OpenAI's form: a token comes with its id, object, model and version.
EVENT_BYTES = 400
Prompt = str | Sequence[Mapping[str, str]]
"""A text, or the messages of a chat."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in the form that all routes share."""

    prompt: Prompt
    max_tokens: int | None
    """None: as many as there is room for."""
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Sequence[str] = ()
    stream: bool = False
    max_tokens_field: str = "max_tokens"

    @property
    def prompt_field(self) -> str:
        return "prompt" if isinstance(self.prompt, str) else "messages"


@dataclass(frozen=True, slots=True)
class Ended:
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
        }


class Form(Protocol):
    """The form of an answer: each method returns JSON objects."""

    def opening(self) -> Iterator[dict[str, Any]]:
        """Yield what a stream begins with, once the request is known to be valid."""
        ...

    def piece(self, text: str) -> dict[str, Any]: ...

    def closing(self, ended: Ended) -> Iterator[dict[str, Any]]: ...

    def whole(self, text: str, ended: Ended) -> dict[str, Any]:
        """Return the answer that is not streamed."""
        ...


@dataclass(frozen=True, slots=True)
class CausalModel:
    """Tokenizer and model; used from several threads at once."""

    tokenizer: Tokenizer
    bounded: BoundedTokenizer
    """The same, for prompts."""
    backend: Causal
    context_tokens: int
    max_new_tokens: int
    """Most tokens of an answer."""

    def expect_to_fit(self) -> None:
        """Raise BadModel if the tokenizer is another model's."""
        tokens, rows = self.tokenizer.get_vocab_size(), self.backend.vocabulary_size
        if tokens > rows:
            raise BadModel(
                f"tokenizer.json has {tokens} tokens; the model knows {rows}. They are of two models."
            )

    def most_tokens(self, asked: Asked) -> int:
        """Estimate the tokens of prompt and answer, without tokenising; rather too many than too few."""
        prompt = asked.prompt
        texts = [prompt] if isinstance(prompt, str) else [message["content"] for message in prompt]
        most = asked.max_tokens or self.max_new_tokens
        read = sum(estimated_tokens(text, self.context_tokens) for text in texts)
        return min(self.context_tokens, read + most)

    def token_ids(self, asked: Asked) -> list[int]:
        """Return the prompt's tokens.

        Raises TextTooLong far beyond the context, InvalidInput for a bad chat.
        """
        try:
            return self._bounded_token_ids(asked.prompt)
        except TooManyTokens as error:
            raise self._too_long(asked, str(error), wants="", lower="") from None

    def _bounded_token_ids(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            return self.bounded.read(prompt, self.context_tokens, self._all)
        self.bounded.refuse_beyond("\n".join(message["content"] for message in prompt), self.context_tokens)
        try:
            return self.backend.chat_token_ids(prompt)
        except ChatRefused as refused:
            detail = f"messages do not fit the model's chat template: {refused}"
            raise InvalidInput(detail, errors=[FieldFault("#/messages", str(refused))]) from None

    def _all(self, tokens: Tokens) -> list[int]:
        if not tokens.is_whole:
            raise TooManyTokens(f"has more than {self.context_tokens} tokens")
        return self.tokenizer.post_process(tokens.encoding).ids

    def room(self, asked: Asked, prompt_tokens: int) -> int:
        """Return the maximum tokens of the answer to this prompt.

        Raises TextTooLong if the context has no room for it, or not for as many tokens as were requested.
        """
        left = self.context_tokens - prompt_tokens
        if 0 < (asked.max_tokens or 1) <= left:
            return asked.max_tokens or min(left, self.max_new_tokens)
        field_name = asked.max_tokens_field
        wants = f" and {field_name} is {asked.max_tokens}" if asked.max_tokens else ""
        lower = f", or lower {field_name} to {left}" if asked.max_tokens and left > 0 else ""
        raise self._too_long(asked, f"has {prompt_tokens} tokens", wants, lower)

    def _too_long(self, asked: Asked, fault: str, wants: str, lower: str) -> TextTooLong:
        name = asked.prompt_field
        return TextTooLong(
            f"{name}: the prompt {fault}{wants}; the model's context is "
            f"{self.context_tokens} tokens, prompt and answer together. Send a shorter one{lower}",
            errors=[FieldFault(f"#/{name}", fault)],
        )


class Detokenizer:
    """Turns tokens into text, one at a time; a character that spans several comes with its last."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def feed(self, token_id: int) -> str:
        try:
            return self._stream.step(self._tokenizer, token_id) or ""
        except Exception as error:  # tokenizers raises plain Exception
            if "Invalid prefix" not in str(error):
                raise
            # A token that changes how those before it are written, which cannot be taken back.
            self._stream = DecodeStream(skip_special_tokens=True)
            return self._stream.step(self._tokenizer, token_id) or ""


@dataclass(slots=True)
class GenerationWork(StreamableWork):
    """One answer, computed in one step on one thread. With a stream `result` is what ends it."""

    model: CausalModel
    asked: Asked
    form: Form
    last: bytes = b""
    """What a stream ends with."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _emit: Emit | None = None
    _parts: list[str] = field(default_factory=list[str])
    _ended: Ended | None = None
    _first_token_at: float | None = None

    @property
    def size(self) -> int:
        return 1

    @property
    def tokens(self) -> int:
        return self.model.most_tokens(self.asked)

    @property
    def answer_bytes(self) -> int:
        most = min(self.asked.max_tokens or self.model.max_new_tokens, self.model.context_tokens)
        return most * (EVENT_BYTES if self.is_streamed else BYTES_PER_TOKEN)

    @property
    def is_streamed(self) -> bool:
        return self.asked.stream

    def stream_to(self, emit: Emit) -> None:
        self._emit = emit

    def stop(self) -> None:
        """End at the next token, because the client has left. From any thread."""
        self._stopped.set()

    def step(self, index: int) -> None:
        del index
        prompt = self.model.token_ids(self.asked)
        if not prompt:
            field = self.asked.prompt_field
            raise InvalidInput(f"{field} {NO_TOKENS}", errors=[FieldFault(f"#/{field}", NO_TOKENS)])
        room = self.model.room(self.asked, len(prompt))
        for each in self.form.opening():
            self._send(each)
        asked = self.asked
        sampling = Sampling(room, asked.temperature, asked.top_p, asked.seed)
        detokenizer, stops, tokens = Detokenizer(self.model.tokenizer), StopStrings(asked.stop), 0

        def on_token(token_id: int) -> bool:
            nonlocal tokens
            if self._stopped.is_set():
                return False
            tokens += 1
            if tokens == 1:
                self._first_token_at = time.perf_counter()
            self._hand_on(stops.feed(detokenizer.feed(token_id)))
            return not stops.found

        ended = self._written(prompt, sampling, on_token)
        if not stops.found:
            self._hand_on(stops.rest())
        reason: FinishReason = "stop" if ended or stops.found else "length"
        self._ended = Ended(reason, len(prompt), tokens)

    def _written(self, prompt: list[int], sampling: Sampling, on_token: Callable[[int], bool]) -> bool:
        try:
            return self.model.backend.generate(prompt, sampling, on_token, lambda: not self._stopped.is_set())
        except SeedRefused as refused:
            raise InvalidInput(f"seed {refused}", errors=[FieldFault("#/seed", str(refused))]) from None

    @property
    def facts(self) -> CallFacts | None:
        ended = self._ended
        if ended is None:
            return None
        prompt = Observation(None, None, ended.prompt_tokens, 0)
        return CallFacts(
            ended.prompt_tokens, ended.completion_tokens, self._first_token_at, observations=[prompt]
        )

    def result(self) -> bytes:
        if self._ended is None:
            raise RuntimeError("result before step")
        if self.is_streamed:
            return b"".join(map(event, self.form.closing(self._ended))) + self.last
        return orjson.dumps(self.form.whole("".join(self._parts), self._ended))

    def _hand_on(self, text: str) -> None:
        if not text:
            return
        if self.is_streamed:
            self._send(self.form.piece(text))
        else:
            self._parts.append(text)

    def _send(self, data: dict[str, Any]) -> None:
        if self.is_streamed and self._emit is not None:
            self._emit(event(data))


def milliseconds_since(received: float) -> float:
    return round((time.perf_counter() - received) * 1000, 3)
