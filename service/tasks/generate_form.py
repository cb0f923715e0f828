"""The request and the answer of /generate."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..faults import FieldFault, InvalidInput
from .chat import Message
from .generation import Asked, Ended, milliseconds_since
from .openai_answers import USAGE, Finish, Text, TokenUsage
from .sampling import MaxTokens, SamplingFields
from .texts import LatencyMs, ModelVersion


class GenerateFields(SamplingFields):
    """A prompt, or the messages of a chat."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}]},
    )

    prompt: str | None = None
    messages: list[Message] | None = None
    max_tokens: MaxTokens = None

    def asked(self) -> Asked:
        """Return the request in its common form. Raises InvalidInput."""
        if (self.prompt is None) == (self.messages is None):
            detail = "is required, or messages" if self.prompt is None else "cannot be given with messages"
            raise InvalidInput(f"prompt {detail}", errors=[FieldFault("#/prompt", detail)])
        prompt = [each.plain() for each in self.messages] if self.messages else self.prompt or ""
        return Asked(prompt, self.max_tokens, **self.sampling())


class Generation(BaseModel):
    """The answer to a prompt. In a stream each part has `text`, and the last one everything else too."""

    text: Text
    finish_reason: Finish
    usage: TokenUsage = USAGE
    latency_ms: LatencyMs
    model_version: ModelVersion


class PlainForm:
    def __init__(self, model_version: str, received: float) -> None:
        self._model_version = model_version
        self._received = received

    def opening(self) -> Iterator[dict[str, Any]]:
        yield from ()

    def piece(self, text: str) -> dict[str, Any]:
        return {"text": text}

    def closing(self, ended: Ended) -> Iterator[dict[str, Any]]:
        yield self.whole("", ended)

    def whole(self, text: str, ended: Ended) -> dict[str, Any]:
        timing = {
            "latency_ms": milliseconds_since(self._received),
            "model_version": self._model_version,
        }
        return {"text": text, "finish_reason": ended.finish_reason, "usage": ended.usage, **timing}
