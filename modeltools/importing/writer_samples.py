"""Draws answers from a model that writes text, in torch: what it finds likely, with the probabilities."""

from dataclasses import dataclass
from typing import Any

import torch

DRAWN, MOST_TOKENS = 4, 24
"""Answers to each text, drawn side by side, and the most tokens of each."""


@dataclass(frozen=True, slots=True)
class DrawnAnswer:
    """An answer's tokens, with the token that ends it, and the logarithms of their probabilities."""

    tokens: list[int]
    log_probabilities: list[float]


def drawn(network: Any, read: list[int], end: int | None) -> list[DrawnAnswer]:
    """Draw answers to the tokens read; the same ones each time. end: the token that ends an answer."""
    generator = torch.Generator().manual_seed(1)
    state = _begun(network, torch.tensor([read] * DRAWN))
    tokens: list[torch.Tensor] = []
    scores: list[torch.Tensor] = []
    while len(tokens) < MOST_TOKENS:
        found = network(**state, use_cache=True)
        rows = found.logits[:, -1].float().log_softmax(-1)
        tokens.append(torch.multinomial(rows.exp(), 1, generator=generator))
        scores.append(rows.gather(1, tokens[-1]))
        state |= {"past_key_values": found.past_key_values, _reads(network): tokens[-1]}
    each = zip(torch.cat(tokens, 1).tolist(), torch.cat(scores, 1).tolist(), strict=True)
    return [_until(end, row, score) for row, score in each]


def _begun(network: Any, read: torch.Tensor) -> dict[str, Any]:
    """Return what the network is given in the first step."""
    if not network.config.is_encoder_decoder:
        return {_reads(network): read}
    start = torch.full((len(read), 1), network.config.decoder_start_token_id)
    return {"encoder_outputs": network.get_encoder()(input_ids=read), _reads(network): start}


def _reads(network: Any) -> str:
    return "decoder_input_ids" if network.config.is_encoder_decoder else "input_ids"


def _until(end: int | None, tokens: list[int], scores: list[float]) -> DrawnAnswer:
    length = tokens.index(end) + 1 if end in tokens else len(tokens)
    return DrawnAnswer(tokens[:length], scores[:length])
