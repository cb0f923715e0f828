"""Checks whether a converted model finds the same tokens likely as the original in torch.

Both score the same answers; their own are not compared as text, as those differ after one close choice, and
say nothing where the weights are random. In float32 the answers are given ones, and each token's probability
must be the original's: what the engine computes in another way shows on any text. In int8 they are drawn from
the original: rounding moves tokens that the model would never write the most, and these do not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch

from slipway.service.faults import BadModel

from .answers import answers, short_texts
from .writer import Writer
from .writer_loading import UNUSED, LoadedWriter
from .writer_samples import DrawnAnswer, drawn

MOST_DIFFERENCE = 0.005
"""The most that a token's log-probability may move in float32, on average over a given answer, in nats."""
MOST_DIVERGENCE = 0.03
"""The most that the distribution of the next token may diverge in int8, in nats a token.

Measured on small models of the families, trained to turn a word round: int8 0.0002 to 0.0084, with the same
answers; damaged on purpose, 0.126 and more wherever more than one answer in twenty was wrong. Rounding to 4
bits gave 0.10 to 0.98, and 0.023 in Gemma 3, whose answers stayed right. So the bound is 3.5 times the
largest of good ones and a quarter of the smallest of bad ones; the decision is in
docs/adr/20261130-int8-is-judged-by-the-models-own-answers.md.
"""
# A rare token that was drawn by chance and became likely must not decide alone.
_MOST_OF_A_TOKEN = 5.0


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer: the tokens read, those written, and the logarithms of the latter's probabilities.

    An encoder-decoder's engine adds the token that ends an answer: it has a probability, and is not written.
    """

    read: list[str]
    written: list[str]
    log_probabilities: list[float]


@dataclass(frozen=True, slots=True)
class Closeness:
    """How far the converted model's log-probabilities of given answers are from the original's."""

    answers: int
    tokens: int
    mean: float
    """Of a token, over all answers."""
    most: float
    """Of a token, over the answer where it is largest."""

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "answers_compared": self.answers,
            "tokens_compared": self.tokens,
            "mean_logprob_difference": round(self.mean, 6),
            "max_logprob_difference": round(self.most, 6),
        }


def original(model: LoadedWriter, head: Writer, most_tokens: int) -> list[Scored]:
    """Score the given answers with torch."""
    score = _encoder_decoder if head.task == "summarize" else _decoder
    with torch.inference_mode():
        return [score(model, head.prefix + text, answer, most_tokens) for text, answer in answers()]


def likely(model: LoadedWriter, head: Writer, most_tokens: int) -> list[Scored]:
    """Draw answers to the short texts from the original, with its probabilities."""
    end, found = model.tokenizer.eos_token_id, list[Scored]()
    with torch.inference_mode():
        for text in short_texts():
            read: list[int] = model.plain.encode(head.prefix + text).ids[: max(1, most_tokens // 2)]
            found += [_of_drawn(model, head, read, one) for one in drawn(model.network, read, end)]
    return found


def scored(folder: Path, wanted: Sequence[Scored], head: Writer) -> list[list[float]]:
    """Score the same tokens with the converted model, one answer after the other."""
    options: dict[str, Any] = {"inter_threads": 1, "intra_threads": 0}
    if head.task == "summarize":
        translator = ctranslate2.Translator(str(folder), **options)
        return [
            translator.score_batch([one.read], [one.written], max_input_length=0)[0].log_probs
            for one in wanted
        ]
    generator = ctranslate2.Generator(str(folder), **options)
    return [
        generator.score_batch([one.read + one.written])[0].log_probs[-len(one.written) :] for one in wanted
    ]


def closeness(wanted: Sequence[Scored], found: Sequence[Sequence[float]]) -> Closeness:
    """Compare the scores of given answers. Raises BadModel if the engine scored other tokens."""
    apart = [np.abs(one) for one in _moves(wanted, found)]
    every = np.concatenate(apart)
    return Closeness(len(apart), len(every), float(every.mean()), max(float(one.mean()) for one in apart))


def divergence(wanted: Sequence[Scored], found: Sequence[Sequence[float]]) -> float:
    """Return the Kullback-Leibler divergence a token, in nats, from answers drawn from the original.

    For a token drawn by p, q/p - 1 - log(q/p) is on average the divergence of q, and never negative.
    """
    move = np.concatenate(_moves(wanted, found))
    return float(np.minimum(np.expm1(np.minimum(move, _MOST_OF_A_TOKEN)) - move, _MOST_OF_A_TOKEN).mean())


def require_closeness(place: str, found: Closeness) -> None:
    """Raise BadModel if the given answers' probabilities moved too far in float32."""
    if found.most > MOST_DIFFERENCE:
        raise BadModel(
            f"{place}: in fp32 the log-probability of a token of a given answer moves by {found.most:.4f} on "
            f"average; allowed is {MOST_DIFFERENCE:g}: CTranslate2 does not compute this model as torch "
            "does. Take --engine torch."
        )


def require_likeness(place: str, found: float) -> None:
    """Raise BadModel if int8 diverges too far."""
    if found > MOST_DIVERGENCE:
        raise BadModel(
            f"{place}: in int8 the probabilities of the next token diverge from the original's by "
            f"{found:.4f} nats; allowed is {MOST_DIVERGENCE:g}: int8 damages this model. "
            "Take --precision fp32."
        )


def _moves(wanted: Sequence[Scored], found: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """Return by how much each token's log-probability moved, answer by answer.

    The engine also scores the end of an answer that was cut before it; that is left out.
    """
    moves: list[np.ndarray] = []
    for one, other in zip(wanted, found, strict=True):
        count = len(one.log_probabilities)
        if len(other) not in (count, len(one.written) + 1):
            raise BadModel("CTranslate2 scored another number of tokens than it was given.")
        moves.append(np.array(other[:count]) - np.array(one.log_probabilities))
    return moves


def _of_drawn(model: LoadedWriter, head: Writer, read: list[int], one: DrawnAnswer) -> Scored:
    ends = head.task == "summarize" and one.tokens[-1] == model.tokenizer.eos_token_id
    written = one.tokens[:-1] if ends else one.tokens
    return Scored(_named(model.tokenizer, read), _named(model.tokenizer, written), one.log_probabilities)


def _encoder_decoder(model: LoadedWriter, text: str, answer: str, most_tokens: int) -> Scored:
    config, tokenizer = model.network.config, model.tokenizer
    end = tokenizer.eos_token_id
    read: list[int] = model.plain.encode(text).ids[:most_tokens]
    given: list[int] = model.plain.encode(answer).ids
    written = given[:-1] if given[-1] == end else given
    start = [config.decoder_start_token_id, *written]
    logits = model.network(input_ids=torch.tensor([read]), decoder_input_ids=torch.tensor([start])).logits[0]
    chosen = _log_probabilities(logits, [*written, end])
    return Scored(_named(tokenizer, read), _named(tokenizer, written), chosen)


def _decoder(model: LoadedWriter, text: str, answer: str, most_tokens: int) -> Scored:
    written: list[int] = model.plain.encode(f" {answer}", add_special_tokens=False).ids
    read: list[int] = model.plain.encode(text).ids[: max(1, most_tokens - len(written))]
    logits = model.network(torch.tensor([[*read, *written]])).logits[0]
    chosen = _log_probabilities(logits[len(read) - 1 : -1], written)
    return Scored(_named(model.tokenizer, read), _named(model.tokenizer, written), chosen)


def _log_probabilities(logits: torch.Tensor, tokens: list[int]) -> list[float]:
    """Return the logarithm of each token's probability, from its row of the logits, [tokens, vocabulary]."""
    rows = logits.float().log_softmax(-1)
    return rows[torch.arange(len(tokens)), torch.tensor(tokens)].tolist()


def _named(tokenizer: Any, token_ids: list[int]) -> list[str]:
    """Return the engine's names of tokens; those that the tokenizer lacks are named as in the conversion."""
    names: list[str | None] = tokenizer.convert_ids_to_tokens(token_ids)
    return [name or UNUSED.format(number) for number, name in zip(token_ids, names, strict=True)]
