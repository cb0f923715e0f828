"""The interface of models that write text. Token ids in and out; nothing of HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. None: as the model's generation_config.json says, else 1."""

    max_new_tokens: int
    temperature: float | None = None
    """0 takes the most probable token each time."""
    top_p: float | None = None
    seed: int | None = None
    """The same seed gives the same answer, whatever else is computed at the time. None: another each time."""


def always() -> bool:
    return True


class Causal(Protocol):
    """A decoder-only model. Called from several threads at once."""

    context_tokens: int
    """Most tokens of a prompt and its answer together, as config.json says; 0: it says nothing."""
    has_chat_template: bool
    vocabulary_size: int

    def chat_token_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the prompt for the next message. Raises ChatRefused if the template refuses."""
        ...

    def generate(
        self,
        token_ids: Sequence[int],
        sampling: Sampling,
        on_token: Callable[[int], bool],
        going: Callable[[], bool] = always,
    ) -> bool:
        """Pass new tokens to `on_token` until that returns False, the model ends or the maximum is reached.

        going: returns False once nobody waits, for a model that lets answers wait for one another. Returns
        whether the model ended by itself; the token that ends it is not passed on. Raises SeedRefused.
        """
        ...


class ChatRefused(Exception):
    """The model's chat template does not accept these messages; the message says why."""


class SeedRefused(Exception):
    """The answer to this request would not be the same for its seed; the message says why."""


class Seq2Seq(Protocol):
    """An encoder-decoder model. Called from several threads at once."""

    vocabulary_size: int

    def generate(
        self, token_ids: Sequence[int], min_new_tokens: int, max_new_tokens: int, going: Callable[[], bool]
    ) -> list[int] | None:
        """Return the answer's tokens, the same each time; None if `going`, called at each, returns False."""
        ...

    def generate_all(
        self,
        prompts: Sequence[Sequence[int]],
        min_new_tokens: int,
        max_new_tokens: int,
        going: Callable[[], bool],
    ) -> list[list[int]] | None:
        """Return the answers to several prompts, as `generate` does to each."""
        ...
