"""The requests that OpenAI's clients send to /v1/completions and /v1/chat/completions.

Source: platform.openai.com/docs/api-reference, and the official client.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from ..faults import FieldFault, InvalidInput
from .chat import Message
from .generation import Asked
from .requests import LIST, ONE
from .sampling import MaxTokens, SamplingFields, branch

# OpenAI's own default of max_tokens in /v1/completions.
COMPLETION_TOKENS = 16
# What would change the answer and is not done here, with the values that change nothing.
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
}


class StreamOptions(BaseModel):
    """Further content of a stream, in addition to the text."""

    model_config = ConfigDict(strict=True, extra="ignore")

    include_usage: bool | None = Field(
        default=None, description="Send the counts of tokens before the stream's end.", examples=[True]
    )


class OpenAiRequest(SamplingFields):
    """Fields that mean nothing here (`user`) are let through; those that would change the answer are not."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: str | None = Field(
        default=None, description="Ignored: one model is served.", examples=["tiny-llama"]
    )
    max_tokens: MaxTokens = None
    stream_options: StreamOptions | None = Field(
        default=None, description="Only with `stream`.", examples=[{"include_usage": True}]
    )

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream and self.stream_options and self.stream_options.include_usage)

    def refuse_what_is_not_done(self) -> None:
        """Raise InvalidInput for a field that is not supported, unless its value changes nothing."""
        for name, value in (self.model_extra or {}).items():
            neutral = NEUTRAL.get(name)
            if neutral is None or value is None or any(_same(value, each) for each in neutral):
                continue
            allowed = " or ".join([*map(repr, neutral), "nothing"])
            detail = f"is not supported; allowed: {allowed}"
            raise InvalidInput(f"{name} {detail}", errors=[FieldFault(f"#/{name}", detail)])


def _same(value: Any, neutral: Any) -> bool:
    """Return whether two values are equal, where 1 is not True."""
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)


class CompletionFields(OpenAiRequest):
    """A text to go on with."""

    prompt: str | list[str]
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=COMPLETION_TOKENS, description="Maximum tokens of the answer.", examples=[COMPLETION_TOKENS]
    )

    def asked(self) -> Asked:
        prompt = self.prompt if isinstance(self.prompt, str) else self.prompt[0]
        return Asked(prompt, self.max_tokens or COMPLETION_TOKENS, **self.sampling())


def one_prompt(text: Any) -> Any:
    """Return the type of a field that takes a text, or a list of a single one. text: the text's own type."""
    return Annotated[
        Annotated[text, Tag(ONE)] | Annotated[list[text], Field(min_length=1, max_length=1), Tag(LIST)],
        Discriminator(branch),
    ]


class ChatFields(OpenAiRequest):
    """A chat to answer in."""

    messages: list[Message]
    max_completion_tokens: MaxTokens = None

    def asked(self) -> Asked:
        most, name = self.max_tokens, "max_tokens"
        if self.max_completion_tokens is not None:
            most, name = self.max_completion_tokens, "max_completion_tokens"
        messages = [message.plain() for message in self.messages]
        return Asked(messages, most, max_tokens_field=name, **self.sampling())
