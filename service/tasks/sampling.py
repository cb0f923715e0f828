"""The fields of every request for a generation that control how the answer is written."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from .requests import LIST, ONE

MAX_STOPS = 16
MAX_STOP_CHARACTERS = 200


def branch(value: Any) -> str:
    return LIST if isinstance(value, list) else ONE


Stop = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARACTERS)]
Stops = Annotated[
    Annotated[Stop, Tag(ONE)] | Annotated[list[Stop], Field(max_length=MAX_STOPS), Tag(LIST)],
    Discriminator(branch),
]
MaxTokens = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Field(
        description="Maximum tokens of the answer. Default: what the prompt leaves of the model's context.",
        examples=[128],
    ),
]


class SamplingFields(BaseModel):
    model_config = ConfigDict(strict=True)

    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="0 takes the most probable token each time. Default: the model's own, else 1.",
        examples=[0.7],
    )
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Only the most probable tokens with this share. Default: the model's own, else 1.",
        examples=[0.9],
    )
    stop: Stops | None = Field(
        default=None,
        description="A text, or several, before which the answer ends; it is not in the answer.",
        examples=["\n", ["\n", "###"]],
    )
    seed: int | None = Field(
        default=None,
        ge=-(2**63),
        le=2**63 - 1,
        description="The same seed gives the same answer. Default: a new one each time.",
        examples=[7],
    )
    stream: bool | None = Field(
        default=None, description="Send the answer as it is written, as server-sent events.", examples=[False]
    )

    def sampling(self) -> dict[str, Any]:
        """Return these fields as those of `Asked`."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "stop": tuple(stops),
            "stream": bool(self.stream),
        }
