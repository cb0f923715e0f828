"""The three parts of the data, tokenised, for training and measuring."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from .dataset import DataFileError, LabelledMessage
from .recipe import SHARES, Recipe
from .split import Split, near_duplicate_groups, split_by_group
from .tokenizer import trained_tokenizer


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data: each list has one entry a message, in the same order."""

    texts: list[str]
    labels: list[int]
    tokens: list[list[int]]
    groups: list[int]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The parts of the data, and the tokenizer that was trained on the first of them."""

    tokenizer: Tokenizer
    parts: Split[Part]


def tokenised_corpus(messages: Sequence[LabelledMessage], recipe: Recipe) -> Corpus:
    """Split and tokenise the messages.

    Raises DataFileError if a text has more tokens than the model allows.
    """
    groups = near_duplicate_groups([message.text for message in messages])
    rows = split_by_group(messages, groups, SHARES, recipe.seed)
    tokenizer = trained_tokenizer([messages[row].text for row in rows.train], recipe.vocabulary)

    def part(rows: list[int]) -> Part:
        chosen = [messages[row] for row in rows]
        return Part(
            texts=[message.text for message in chosen],
            labels=[message.label for message in chosen],
            tokens=[_tokens(tokenizer, message.text, recipe.max_tokens) for message in chosen],
            groups=[groups[row] for row in rows],
        )

    return Corpus(tokenizer, Split(part(rows.train), part(rows.validation), part(rows.test)))


def _tokens(tokenizer: Tokenizer, text: str, max_tokens: int) -> list[int]:
    ids = tokenizer.encode(text).ids
    if len(ids) > max_tokens:
        raise DataFileError(f"{text[:40]!r} has {len(ids)} tokens; allowed are {max_tokens}, in recipe.py")
    return ids
