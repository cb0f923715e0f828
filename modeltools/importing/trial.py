"""Runs a model folder once in torch, by the code that will serve it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from slipway.service.backends.generation import ChatRefused, Sampling
from slipway.service.faults import BadModel
from slipway.service.manifest import TOKENIZER_FILE

from .embedder import Embedder
from .heads import Head, Reader
from .writer import Writer

TEXT = (
    "The harbour was closed on Monday after a storm tore two ships from their moorings. Nobody was hurt. "
    "It opened again on Tuesday morning."
)
FEW_TOKENS = 4


@dataclass(frozen=True, slots=True)
class Trial:
    max_tokens: int
    summary: str
    """What it answered with, in a few words."""


def try_model(folder: Path, place: str, head: Head, limit: int | None) -> Trial:
    """Load the model and run it once. Raises BadModel if it cannot be loaded whole, or does not answer.

    limit: fewer tokens than the model takes. place: its address, for messages.
    """
    try:
        if isinstance(head, Writer):
            return _writer(folder, place, head, limit)
        return _reader(folder, place, head, limit)
    except (BadModel, OSError):
        raise
    except Exception as error:  # torch, Transformers and tokenizers each raise their own
        raise BadModel(f"{place} does not run: {str(error).strip()[:300]}") from None


def _writer(folder: Path, place: str, head: Writer, limit: int | None) -> Trial:
    most = head.tokens(place, limit)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    token_ids = tokenizer.encode(head.prefix + TEXT).ids[: most - FEW_TOKENS]
    answered = _seq2seq if head.task == "summarize" else _causal
    return Trial(most, answered(folder, tokenizer.get_vocab_size(), token_ids))


def _seq2seq(folder: Path, vocabulary: int, token_ids: list[int]) -> str:
    from slipway.service.backends.seq2seq import TorchSeq2Seq

    model = TorchSeq2Seq(folder)
    _require_rows(vocabulary, model.vocabulary_size)
    answer = model.generate(token_ids, 1, FEW_TOKENS, lambda: True) or []
    return f"{len(answer)} tokens"


def _causal(folder: Path, vocabulary: int, token_ids: list[int]) -> str:
    from slipway.service.backends.causal import TorchCausal

    model, answer = TorchCausal(folder), list[int]()
    _require_rows(vocabulary, model.vocabulary_size)

    def keep(token: int) -> bool:
        answer.append(token)
        return True

    model.generate(token_ids, Sampling(max_new_tokens=FEW_TOKENS, temperature=0), keep)
    summary = f"{len(answer)} tokens"
    if not model.has_chat_template:
        return f"{summary}; it has no chat template, so it continues a text and accepts no chat"
    try:
        model.chat_token_ids([{"role": "user", "content": TEXT}])
    except ChatRefused as refused:
        raise BadModel(f"its chat template refuses a message of a user: {refused}") from None
    return summary


def _require_rows(vocabulary: int, rows: int) -> None:
    if vocabulary > rows:
        raise BadModel(
            f"tokenizer.json has {vocabulary} tokens; the model knows {rows}. They are of two models."
        )


def _reader(folder: Path, place: str, head: Reader, limit: int | None) -> Trial:
    from slipway.service.backends.torch import TorchBackend, TorchEmbedder

    from .loading import load_model

    model = load_model(folder, place, head, limit)
    if isinstance(head, Embedder):
        backend: Any = TorchEmbedder(folder, head.pooling, head.normalize)
    else:
        backend = TorchBackend(folder)
    tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.enable_truncation(model.max_tokens)
    token_ids = np.array([tokenizer.encode(TEXT).ids], np.int64)
    row = backend.run(token_ids, np.ones_like(token_ids))[0]
    if not np.isfinite(row).all():
        raise BadModel(f"{place} answers with numbers that are none.")
    return Trial(model.max_tokens, f"{len(row)} numbers")
