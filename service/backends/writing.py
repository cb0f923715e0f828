"""What both kinds of models that write text share on torch: their generation_config.json and one hook."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..faults import BadModel
from .pretrained import FROM_THE_FOLDER_ALONE, first_line, hf, pt

GENERATION_FILE = "generation_config.json"
# What a model may say of its own writing. The rest of that file picks caches, helpers and outputs.
KEPT = (
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "decoder_start_token_id",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "length_penalty",
    "no_repeat_ngram_size",
    "num_beams",
    "pad_token_id",
    "repetition_penalty",
    "suppress_tokens",
    "temperature",
    "top_k",
    "top_p",
)


class Abandoned(Exception):
    """Leaves Transformers' loop at once, because the client no longer waits."""


def kept_generation_config(folder: Path, model: Any) -> Any:
    """Return the KEPT values of generation_config.json, else of config.json. Raises BadModel."""
    config = model.generation_config
    if (folder / GENERATION_FILE).is_file():
        try:
            config = hf.GenerationConfig.from_pretrained(folder, **FROM_THE_FOLDER_ALONE)
        except Exception as error:  # wrong JSON and wrong values have classes of their own
            raise BadModel(f"{folder / GENERATION_FILE} cannot be used: {first_line(error)}") from None
    said = config.to_dict()
    return hf.GenerationConfig(**{key: said[key] for key in KEPT if said.get(key) is not None})


def end_token_ids(config: Any) -> frozenset[int]:
    ends = config.eos_token_id
    return frozenset() if ends is None else frozenset([ends] if isinstance(ends, int) else ends)


class AtEachToken(hf.StoppingCriteria):
    """Calls `going` with each row's newest token, [rows]; False ends the rows. It may raise Abandoned."""

    def __init__(self, going: Callable[[Any], bool]) -> None:
        self._going = going

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        del scores
        ended = not self._going(input_ids[:, -1])
        return pt.full((input_ids.shape[0],), ended, dtype=pt.bool, device=input_ids.device)
