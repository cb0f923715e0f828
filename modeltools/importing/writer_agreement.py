"""Checks whether a converted model is as sure of each token of given answers as the original in torch.

The answers are given, not the model's own: greedy answers of a model differ after one close choice, and say
nothing where the weights are random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch

from slipway.service.faults import BadModel

from .answers import answers
from .writer import Writer
from .writer_loading import LoadedWriter

MOST_DIFFERENCE = {"fp32": 0.005, "int8": 0.15}
"""The most that the logarithm of a token's probability may move, on average over an answer, in nats."""
SHARE_OF_UNLIKELY = 0.05
"""In int8 also this share of how unlikely the original finds the answers: rounding grows with the scores."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer: the tokens read, those written, and the logarithms of the latter's probabilities."""

    read: list[str]
    written: list[str]
    log_probabilities: list[float]


@dataclass(frozen=True, slots=True)
class Closeness:
    """How far the converted model's log-probabilities are from the original's."""

    answers: int
    tokens: int
    mean: float
    """Of a token, over all answers."""
    most: float
    """Of a token, over the answer where it is largest."""
    unlikelihood: float
    """Of a token of the answers in the original: the negative logarithm of its probability, on average."""

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
    """Compare the scores. Raises BadModel if the engine scored other tokens than those given."""
    apart = [
        np.abs(np.array(one.log_probabilities) - np.array(other))
        for one, other in zip(wanted, found, strict=True)
        if len(one.log_probabilities) == len(other)
    ]
    if len(apart) < len(wanted):
        raise BadModel("CTranslate2 scored another number of tokens than it was given.")
    every = np.concatenate(apart)
    unlikelihood = -float(np.mean([each for one in wanted for each in one.log_probabilities]))
    most = max(float(one.mean()) for one in apart)
    return Closeness(len(apart), len(every), float(every.mean()), most, unlikelihood)


def require_closeness(place: str, found: Closeness, precision: str) -> None:
    """Raise BadModel if the answers' probabilities moved too far."""
    allowed = MOST_DIFFERENCE[precision]
    if precision == "int8":
        allowed = max(allowed, SHARE_OF_UNLIKELY * found.unlikelihood)
    if found.most <= allowed:
        return
    fault = (
        "CTranslate2 does not compute this model as torch does. Take --engine torch."
        if precision == "fp32"
        else "int8 damages this model. Take --precision fp32."
    )
    raise BadModel(
        f"{place}: in {precision} the log-probability of a token of a given answer moves by {found.most:.4f} "
        f"on average; allowed is {allowed:g}: {fault}"
    )


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
    return tokenizer.convert_ids_to_tokens(token_ids)
