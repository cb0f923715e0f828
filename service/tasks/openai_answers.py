"""What OpenAI's clients read from /v1/completions and /v1/chat/completions, whole and as a stream."""

import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from .generation import Ended, FinishReason

Id = Annotated[str, Field(description="A new one each time.", examples=["chatcmpl-5b1c"])]
Created = Annotated[int, Field(ge=0, description="Seconds since 1970, UTC.", examples=[1790000000])]
Model = Annotated[str, Field(description="The served model's version.", examples=["tiny-1.0.0+31239f92ad32"])]
Index = Annotated[int, Field(ge=0, description="Always 0: one answer is given.", examples=[0])]
Finish = Annotated[
    FinishReason,
    Field(
        description="`stop`: the model ended, or a stop text came; `length`: max_tokens.", examples=["stop"]
    ),
]
Text = Annotated[str, Field(description="What the model wrote.", examples=[" is a ramp for ships."])]


class TokenUsage(BaseModel):
    """Counts of tokens."""

    prompt_tokens: int = Field(ge=0, description="Tokens of the prompt.", examples=[12])
    completion_tokens: int = Field(
        ge=0, description="Tokens of the answer, those of a stop text too.", examples=[9]
    )
    total_tokens: int = Field(ge=0, description="Both.", examples=[21])


USAGE = Field(description="How many tokens were read and written.", examples=[Ended("stop", 12, 9).usage])


class CompletionChoice(BaseModel):
    text: Text
    index: Index
    finish_reason: Finish


class Completion(BaseModel):
    """An answer of /v1/completions."""

    id: Id
    object: Literal["text_completion"] = Field(description="Its kind.", examples=["text_completion"])
    created: Created
    model: Model
    choices: list[CompletionChoice] = Field(
        description="One answer.", examples=[[{"text": " is a ramp.", "index": 0, "finish_reason": "stop"}]]
    )
    usage: TokenUsage = USAGE


class AnswerMessage(BaseModel):
    role: Literal["assistant"] = Field(description="Always the model.", examples=["assistant"])
    content: Text


MESSAGE = {"role": "assistant", "content": "A slipway is a ramp for ships."}


class ChatChoice(BaseModel):
    index: Index
    message: AnswerMessage = Field(description="The next message.", examples=[MESSAGE])
    finish_reason: Finish


class ChatCompletion(BaseModel):
    """An answer of /v1/chat/completions."""

    id: Id
    object: Literal["chat.completion"] = Field(description="Its kind.", examples=["chat.completion"])
    created: Created
    model: Model
    choices: list[ChatChoice] = Field(
        description="One answer.", examples=[[{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]]
    )
    usage: TokenUsage = USAGE


class OpenAiForm:
    """The form of OpenAI's answers. prefix: of the id. kinds: of a whole answer and of a stream's part."""

    def __init__(self, model_version: str, includes_usage: bool, prefix: str, kinds: tuple[str, str]) -> None:
        self._head = {"id": f"{prefix}-{uuid4().hex}", "created": int(time.time()), "model": model_version}
        self._whole, self._part = kinds
        # OpenAI: if it is requested, each part has `usage`, null in all but the last.
        self._no_usage = {"usage": None} if includes_usage else {}
        self._includes_usage = includes_usage

    def opening(self) -> Iterator[dict[str, Any]]:
        yield from ()

    def part(self, choice: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choices = [{"index": 0, **choice, "logprobs": None, "finish_reason": finish_reason}]
        return {**self._head, "object": self._part, "choices": choices, **self._no_usage}

    def counts(self, ended: Ended) -> Iterator[dict[str, Any]]:
        if self._includes_usage:
            yield {**self._head, "object": self._part, "choices": [], "usage": ended.usage}

    def whole_of(self, choice: dict[str, Any], ended: Ended) -> dict[str, Any]:
        choices = [{"index": 0, **choice, "logprobs": None, "finish_reason": ended.finish_reason}]
        return {**self._head, "object": self._whole, "choices": choices, "usage": ended.usage}


class CompletionForm(OpenAiForm):
    def __init__(self, model_version: str, includes_usage: bool = False) -> None:
        super().__init__(model_version, includes_usage, "cmpl", ("text_completion", "text_completion"))

    def piece(self, text: str) -> dict[str, Any]:
        return self.part({"text": text})

    def closing(self, ended: Ended) -> Iterator[dict[str, Any]]:
        yield self.part({"text": ""}, ended.finish_reason)
        yield from self.counts(ended)

    def whole(self, text: str, ended: Ended) -> dict[str, Any]:
        return self.whole_of({"text": text}, ended)


class ChatForm(OpenAiForm):
    def __init__(self, model_version: str, includes_usage: bool = False) -> None:
        super().__init__(
            model_version, includes_usage, "chatcmpl", ("chat.completion", "chat.completion.chunk")
        )

    def opening(self) -> Iterator[dict[str, Any]]:
        yield self.part({"delta": {"role": "assistant", "content": ""}})

    def piece(self, text: str) -> dict[str, Any]:
        return self.part({"delta": {"content": text}})

    def closing(self, ended: Ended) -> Iterator[dict[str, Any]]:
        yield self.part({"delta": {}}, ended.finish_reason)
        yield from self.counts(ended)

    def whole(self, text: str, ended: Ended) -> dict[str, Any]:
        return self.whole_of({"message": {"role": "assistant", "content": text, "refusal": None}}, ended)
