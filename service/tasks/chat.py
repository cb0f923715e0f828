"""The messages of a chat, as OpenAI's API has them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from . import Limits
from .lists import Counted
from .requests import LIST, ONE

# OpenAI's newer name for it, which templates do not know.
ROLES = {"developer": "system"}
# Of one message: as many as a call may have texts by default.
MAX_PARTS = 1000


class TextPart(BaseModel):
    """A part of a message; only texts are taken."""

    model_config = ConfigDict(strict=True, extra="ignore")

    type: Literal["text"] = Field(description="Kind of the part.", examples=["text"])
    text: str = Field(description="The text.", examples=["What is a slipway?"])


class Message(BaseModel):
    """One message of a chat; fields that mean nothing to a text model (`name`) are let through."""

    model_config = ConfigDict(strict=True, extra="ignore")

    role: Literal["system", "developer", "user", "assistant"] = Field(
        description="Who says it.", examples=["user"]
    )
    content: Annotated[
        Annotated[str, Tag(ONE)] | Annotated[list[TextPart], Counted(MAX_PARTS, least=1), Tag(LIST)],
        Discriminator(lambda value: LIST if isinstance(value, list) else ONE),
    ] = Field(description="Content: a text, or its parts.", examples=["What is a slipway?"])

    def plain(self) -> dict[str, str]:
        parts = self.content if isinstance(self.content, list) else [self.content]
        text = "".join(part if isinstance(part, str) else part.text for part in parts)
        return {"role": ROLES.get(self.role, self.role), "content": text}


def messages_within(limits: Limits) -> Any:
    """Return the type of a field that takes a chat."""
    return Annotated[list[Message], Counted(limits.max_texts, least=1)]


def characters(messages: list[dict[str, str]]) -> int:
    return sum(len(message["content"]) for message in messages)
