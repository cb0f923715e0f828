"""Reads a model's generation_config.json for CTranslate2; what the engine cannot do is refused.

Source of the keys: transformers/generation/configuration_utils.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..faults import BadModel

GENERATION_FILE = "generation_config.json"
# Would change the answer, and the engine has nothing like it; with the values that change nothing.
NOT_DONE: Mapping[str, tuple[Any, ...]] = {
    "begin_suppress_tokens": ([],),
    "encoder_no_repeat_ngram_size": (0,),
    "encoder_repetition_penalty": (1, 1.0),
    "epsilon_cutoff": (0, 0.0),
    "eta_cutoff": (0, 0.0),
    "exponential_decay_length_penalty": (),
    "forced_decoder_ids": ([],),
    "guidance_scale": (1, 1.0),
    "min_p": (0, 0.0),
    "num_beam_groups": (1,),
    "penalty_alpha": (0, 0.0),
    "sequence_bias": ({}, []),
    "typical_p": (1, 1.0),
}


@dataclass(frozen=True, slots=True)
class Writing:
    """The model's own way of writing. Ids are of tokens."""

    ends: frozenset[int]
    temperature: float
    top_k: int
    """0: all."""
    top_p: float
    num_beams: int
    length_penalty: float
    repetition_penalty: float
    no_repeat_ngram_size: int
    suppressed: tuple[tuple[int, ...], ...]
    """Sequences that never occur."""
    begins_with: tuple[int, ...]
    """Tokens that each answer of an encoder-decoder model begins with."""

    @property
    def looks_back(self) -> bool:
        """Return whether the next token's scores depend on which tokens the answer has, beyond the model."""
        return self.repetition_penalty != 1 or self.no_repeat_ngram_size > 0 or self.has_long_suppressed

    @property
    def has_long_suppressed(self) -> bool:
        return any(len(tokens) > 1 for tokens in self.suppressed)


def read_writing(folder: Path, is_listed: bool, default_end: int) -> Writing:
    """Read the file. Raises BadModel for values that are not understood, or not done.

    is_listed: whether the manifest lists it. default_end: the token that the engine itself ends with.
    """
    path = folder / GENERATION_FILE
    said = _object(path) if is_listed else {}
    for key, neutral in NOT_DONE.items():
        if said.get(key) is not None and said[key] not in neutral:
            raise BadModel(
                f"{path}: {key} is {str(said[key])[:100]}, which engine 'ctranslate2' cannot do. Remove it "
                "if the answers are good without, or serve the model with engine 'torch'."
            )
    try:
        return _writing(said, default_end)
    except (TypeError, ValueError) as error:
        raise BadModel(f"{path} cannot be used: {error}") from None


def _writing(said: Mapping[str, Any], default_end: int) -> Writing:
    suppressed = [*_ids(said, "bad_words_ids"), *((token,) for token in _flat(said, "suppress_tokens"))]
    return Writing(
        ends=frozenset(_flat(said, "eos_token_id") or [default_end]),
        temperature=_number(said, "temperature", 1.0, 0, 100),
        # Transformers 5 takes all where nothing is said, service/backends/causal.py with it.
        top_k=int(_number(said, "top_k", 0, 0, 1 << 30)),
        top_p=_number(said, "top_p", 1.0, 0, 1) or 1.0,
        num_beams=int(_number(said, "num_beams", 1, 1, 16)),
        length_penalty=_number(said, "length_penalty", 1.0, -100, 100),
        repetition_penalty=_number(said, "repetition_penalty", 1.0, 0.01, 100),
        no_repeat_ngram_size=int(_number(said, "no_repeat_ngram_size", 0, 0, 1000)),
        suppressed=tuple(suppressed),
        begins_with=tuple(_flat(said, "forced_bos_token_id")),
    )


def _number(said: Mapping[str, Any], key: str, default: float, least: float, most: float) -> float:
    value = said.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{key} is {str(value)[:100]!r}; allowed is a number from {least:g} to {most:g}")
    return value


def _flat(said: Mapping[str, Any], key: str) -> list[int]:
    value = said.get(key)
    if value is None:
        return []
    values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    if not all(type(each) is int and each >= 0 for each in values):
        raise ValueError(f"{key} is {str(values)[:100]}; allowed are ids of tokens")
    return values


def _ids(said: Mapping[str, Any], key: str) -> list[tuple[int, ...]]:
    lists: Sequence[Any] = said.get(key) or []
    return [tuple(_flat({key: each}, key)) for each in lists]


def _object(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(f"{path} cannot be read: {str(error)[:200]}") from None
    if not isinstance(content, dict):
        raise BadModel(f"{path} holds no JSON object")
    return cast("dict[str, Any]", content)
