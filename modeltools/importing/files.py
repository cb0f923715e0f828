"""Which files of a repository make a model, and why a repository without them is refused.

Fetches no pickle.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from slipway.service.faults import BadModel
from slipway.service.manifest import PICKLES

from .embedder import MODULES, SENTENCE_CONFIG
from .hub import HubFile
from .local import Source

CONFIG, CARD = "config.json", "README.md"
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
_TOKENIZERS = (
    TOKENIZER,
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
_TOKENIZER_SETTINGS = (TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json")
# An ONNX file is one protocol buffer, which ends at 2 GiB; the float32 weights have to fit on the way.
MAX_WEIGHT_BYTES = 2_000_000_000
_NAMES_SHOWN = 8
# What CTranslate2's folder keeps of the original, and what its conversion reads.
_WRITING = ("generation_config.json", "chat_template.jinja")
# The files that torch serves next to the weights; a model may lack any of them.
_SERVED = (
    CONFIG,
    TOKENIZER,
    "generation_config.json",
    *_TOKENIZER_SETTINGS,
    "chat_template.jinja",
)


def descriptive_files(address: Source, files: Mapping[str, HubFile]) -> list[str]:
    """Return the small files that show whether the rest is worth fetching.

    Raises BadModel if it is no model.
    """
    if CONFIG not in files:
        raise BadModel(
            f"{address} has no {CONFIG}, so it is no transformers model (an adapter alone is none either); "
            f"it holds {_shown(files)}."
        )
    if WEIGHTS not in files and INDEX not in files:
        raise BadModel(f"{address} has no {WEIGHTS}; {_instead(files)}")
    if not any(name in files for name in _TOKENIZERS):
        raise BadModel(
            f"{address} has no tokenizer; it needs tokenizer.json, or one of {', '.join(_TOKENIZERS[1:])}."
        )
    index = () if WEIGHTS in files else (INDEX,)
    optional = (TOKENIZER_CONFIG, MODULES, SENTENCE_CONFIG, CARD)
    return [CONFIG, *index, *(name for name in optional if name in files)]


def model_files(
    address: Source, files: Mapping[str, HubFile], index: Path | None, half: bool
) -> dict[str, HubFile]:
    """Return the files that transformers reads, the weights last.

    index: of weights in several files. half: 16 bits a weight.
    Raises BadModel if the index names a missing file, or the weights are too large for one ONNX file.
    """
    weights = _weights(address, files, index)
    total = sum(files[name].bytes for name in weights) * (2 if half else 1)
    if total > MAX_WEIGHT_BYTES:
        raise BadModel(
            f"{address} has {total / 1e9:.1f} GB of float32 weights; an ONNX file takes at most "
            f"{MAX_WEIGHT_BYTES / 1e9:.1f} GB. Choose a smaller model."
        )
    small = (CONFIG, *_TOKENIZERS, *_TOKENIZER_SETTINGS)
    return {name: files[name] for name in (*small, *weights) if name in files}


def served_files(address: Source, files: Mapping[str, HubFile], index: Path | None) -> dict[str, HubFile]:
    """Return the files from which torch serves the model, the weights last.

    index: of weights in several files. Raises BadModel if the index names a missing file, or there is no
    tokenizer.json.
    """
    weights = _weights(address, files, index)
    if TOKENIZER not in files:
        raise BadModel(
            f"{address} has no {TOKENIZER}, which the server reads on torch; its tokenizer is in another "
            "form. Save it again with transformers' AutoTokenizer and save_pretrained, or choose a commit "
            "that has one."
        )
    return {name: files[name] for name in (*_SERVED, *weights) if name in files}


def convertible_files(
    address: Source, files: Mapping[str, HubFile], index: Path | None
) -> dict[str, HubFile]:
    """Return the files from which a model is converted for CTranslate2, the weights last.

    index: of weights in several files. Raises BadModel if the index names a missing file.
    """
    small = (CONFIG, *_TOKENIZERS, *_TOKENIZER_SETTINGS, *_WRITING)
    wanted = (*small, *([] if index is None else [INDEX]), *_weights(address, files, index))
    return {name: files[name] for name in wanted if name in files}


def is_weights(name: str) -> bool:
    return name.endswith(".safetensors")


def _weights(address: Source, files: Mapping[str, HubFile], index: Path | None) -> list[str]:
    return [WEIGHTS] if index is None else _shards(address, files, index)


def _shards(address: Source, files: Mapping[str, HubFile], index: Path) -> list[str]:
    content = json_object(address, index)
    found = content.get("weight_map")
    named = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    names = sorted({str(name) for name in named.values()}) or [""]
    for name in names:
        if not (is_weights(name) and name in files and "/" not in name):
            raise BadModel(
                f"{address}: {INDEX} names {name!r}, which is no safetensors file of the repository."
            )
    return names


def json_object(address: Source, path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises BadModel if the file is anything else."""
    return cast("dict[str, Any]", json_content(address, path))


def json_content(address: Source, path: Path) -> Any:
    """Read a list from modules.json, an object from the others. Raises BadModel if the file has neither."""
    try:
        content: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadModel(f"{address}: {path.name} is not JSON: {str(error)[:200]}.") from None
    if not isinstance(content, list if path.name == MODULES else dict):
        raise BadModel(
            f"{address}: {path.name} is not a JSON {'list' if path.name == MODULES else 'object'}."
        )
    return cast("Any", content)


def _instead(files: Mapping[str, HubFile]) -> str:
    pickles = [name for name in files if name.lower().endswith(PICKLES)]
    if not pickles:
        return f"it holds {_shown(files)}. Only weights as safetensors are read."
    return (
        f"its weights are {', '.join(pickles[:_NAMES_SHOWN])}, pickles, which run code when they are loaded. "
        "Take a commit with safetensors (the Hub's converter offers one as a pull request), or save it again "
        "with transformers' save_pretrained."
    )


def _shown(files: Mapping[str, HubFile]) -> str:
    names = sorted(files)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (", ".join(names[:_NAMES_SHOWN]) or "nothing") + more
