"""Opens a folder that a converter of CTranslate2 wrote: its vocabulary, its memory per token, the engine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from ..allocator import keep_memory
from ..cpus import usable_cpus
from ..faults import BadModel
from ..folder import ModelFolder
from ..machine import usable_memory_bytes, used_memory_bytes
from ..manifest import CONFIG_FILE
from .ct2_file import SEQ2SEQ, Ct2File
from .ct2_library import engine
from .ct2_settings import GENERATION_FILE, Writing, read_writing

# One batch for each lane, at once.
LANES = 2
# Of the memory that the loaded model leaves, a quarter is for the keys and values of each lane's rows; a
# third of it is the account's (service/account.py), the rest for what is computed.
SHARE_OF_FREE_MEMORY = 4
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Ct2Model:
    """The engine with what its answers need."""

    engine: Any
    """Translator or Generator."""
    tokens: Sequence[str]
    """The vocabulary, by id."""
    writing: Writing
    most_tokens: int
    """Of all rows of a batch, by memory."""
    positions: int
    """Most tokens that it has positions for; 0: as many as one likes."""

    @property
    def options(self) -> dict[str, Any]:
        """Return what holds for each call, with no default that cuts or changes an answer."""
        writing = self.writing
        return {
            "beam_size": writing.num_beams,
            "length_penalty": writing.length_penalty,
            "repetition_penalty": writing.repetition_penalty,
            "no_repeat_ngram_size": writing.no_repeat_ngram_size,
            "suppress_sequences": [self.spelt(each) for each in writing.suppressed] or None,
            "end_token": sorted(writing.ends),
            "return_end_token": True,
        }

    def spelt(self, token_ids: Sequence[int]) -> list[str]:
        """Return the tokens as the engine takes them."""
        return [self.tokens[token_id] for token_id in token_ids]


def opened(model: ModelFolder, kind: str, vocabulary_file: str, num_beams: int | None = None) -> Ct2Model:
    """Check the folder and load it. Raises BadModel.

    kind: SEQ2SEQ or CAUSAL. num_beams: in place of that of generation_config.json.
    """
    table = model.converted(kind)
    tokens = _vocabulary(model.path / vocabulary_file, model.tokenizer())
    config = _config(model.path / CONFIG_FILE, kind)
    end = _token(config, "eos_token", tokens)
    if kind == SEQ2SEQ:
        _token(config, "decoder_start_token", tokens)
    writing = read_writing(model.path, model.optional(GENERATION_FILE) is not None, end)
    if num_beams is not None:
        writing = replace(writing, num_beams=num_beams)
    loaded = _loaded(model.path, kind)
    free = max(0, usable_memory_bytes() - used_memory_bytes())
    most = free // SHARE_OF_FREE_MEMORY // (bytes_per_token(table) * writing.num_beams)
    return Ct2Model(loaded, tokens, writing, most, positions(table))


def bytes_per_token(table: Ct2File) -> int:
    """Return the memory of a token's keys and values in all layers of the decoder, which are in fp32."""
    total = 0
    for name, shape in table.shapes.items():
        if name.startswith("decoder/layer_") and name.endswith("self_attention/linear_0/weight"):
            inner = table.shapes[name.replace("linear_0/", "linear_1/")][1]
            total += (shape[0] - inner) * FLOAT_BYTES
    return max(1, total)


def positions(table: Ct2File) -> int:
    """Return for how many tokens there are learned positions; 0 if they are computed."""
    counts = [
        shape[0] for name, shape in table.shapes.items() if name.endswith("position_encodings/encodings")
    ]
    return min(counts, default=0)


def _loaded(folder: Path, kind: str) -> Any:
    made = engine.Translator if kind == SEQ2SEQ else engine.Generator
    keep_memory()
    try:
        return made(str(folder), device="cpu", inter_threads=LANES, intra_threads=usable_cpus())
    except Exception as error:  # RuntimeError, ValueError and classes of its own
        said = str(error).strip().partition("\n")[0][:300]
        raise BadModel(f"{folder} cannot be loaded by CTranslate2 {engine.__version__}: {said}") from None


def _vocabulary(path: Path, tokenizer: Tokenizer) -> list[str]:
    """Read the tokens by id. Raises BadModel if the tokenizer gives one of them another id."""
    tokens: Any = _json(path)
    if not isinstance(tokens, list):
        raise BadModel(f"{path} holds no list of tokens")
    listed: list[str] = [str(token) for token in cast("list[Any]", tokens)]
    for token, token_id in tokenizer.get_vocab(with_added_tokens=True).items():
        if token_id < len(listed) and listed[token_id] != token:
            raise BadModel(
                f"{path} has {listed[token_id]!r} as token {token_id}; tokenizer.json has {token!r} "
                "there. They are of two models."
            )
    return listed


def _config(path: Path, kind: str) -> dict[str, Any]:
    config: Any = _json(path)
    if not isinstance(config, dict) or "eos_token" not in config:
        raise BadModel(
            f"{path} is no config.json of CTranslate2, which has eos_token. Convert the model again with "
            "`slipway model add`."
        )
    added = [key for key in ("add_source_bos", "add_source_eos") if cast("dict[str, Any]", config).get(key)]
    if added and kind == SEQ2SEQ:
        raise BadModel(
            f"{path}: {added[0]} is true, but the texts come with the tokenizer's special tokens. "
            "Set it to false."
        )
    return cast("dict[str, Any]", config)


def _token(config: dict[str, Any], key: str, tokens: Sequence[str]) -> int:
    try:
        return tokens.index(config.get(key, ""))
    except ValueError:
        raise BadModel(
            f"config.json: {key} is {config.get(key)!r}, which is no token of the vocabulary"
        ) from None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(f"{path} cannot be read: {str(error)[:200]}") from None
