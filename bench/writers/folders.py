"""Model folders with random weights for the writers' table: flan-t5-base's shape, and a small Llama's."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors

from bench.writers.random_models import FLAN_T5_BASE, SMOL_LLAMA, ModelShape, write_llama, write_t5

# huggingface.co/google/flan-t5-base and HuggingFaceTB/SmolLM2-135M, config.json: vocab_size.
T5_TOKENS, LLAMA_TOKENS = 32_128, 49_152
SPECIAL = ("<pad>", "</s>", "<unk>", "<s>")
PREFIX = "summarize: "
# Read and written for each answer of the table.
INPUT_TOKENS, OUTPUT_TOKENS = 256, 48


def words(count: int) -> list[str]:
    """Return a vocabulary: each token is a word, so that a text's length is the number of its words."""
    return [*SPECIAL, "summarize:", *(f"w{number}" for number in range(count - len(SPECIAL) - 1))]


def text_of(tokens: int, start: int = 0) -> str:
    """Return a text of so many words, another for each start."""
    return " ".join(f"w{(start * 977 + place * 31) % 3900}" for place in range(tokens))


def t5_folder(
    folder: Path, precision: str = "int8", shape: ModelShape = FLAN_T5_BASE, tokens: int = T5_TOKENS
) -> Path:
    """Write an encoder-decoder model for /summarize."""
    vocabulary = words(tokens)
    write_t5(folder, vocabulary, shape, "int8" if precision == "int8" else None, scale=1.0)
    tokenizer_of(vocabulary, begins=False).save(str(folder / "tokenizer.json"))
    return _with_manifest(folder, "summarize", precision, max_tokens=512, max_new_tokens=512, prefix=PREFIX)


def llama_folder(
    folder: Path, precision: str = "int8", shape: ModelShape = SMOL_LLAMA, tokens: int = LLAMA_TOKENS
) -> Path:
    """Write a decoder-only model for /generate."""
    vocabulary = words(tokens)
    write_llama(folder, vocabulary, shape, "int8" if precision == "int8" else None, scale=1.0)
    tokenizer_of(vocabulary, begins=True).save(str(folder / "tokenizer.json"))
    return _with_manifest(folder, "generate", precision, max_tokens=2048)


def tokenizer_of(vocabulary: Sequence[str], begins: bool) -> Any:
    """Make a tokenizer of words. begins: its texts begin with <s>; else they end with </s>."""
    tokenizer: Any = Tokenizer(models.WordLevel({word: at for at, word in enumerate(vocabulary)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(SPECIAL))
    form, name = ("<s> $A", "<s>") if begins else ("$A </s>", "</s>")
    tokenizer.post_processor = processors.TemplateProcessing(form, None, [(name, vocabulary.index(name))])
    return tokenizer


def _with_manifest(folder: Path, task: str, precision: str, **more: Any) -> Path:
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }
    manifest = {
        "name": f"random-{task}",
        "version": "1.0.0",
        "task": task,
        "license": "CC0-1.0",
        "engine": "ctranslate2",
        "precision": precision,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | more))
    return folder
