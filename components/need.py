"""How much memory a model needs in the serving engine: as measured, or estimated from its manifest.

Only anonymous memory counts, because mapped and cached files can be dropped. MiB.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Measured on ONNX Runtime 1.31, one inference thread, BERTs of 0.9 to 110 M parameters at 512 tokens:
# 65 MiB without a model, and at load 1.4 bytes a byte of fp32 weights, 1.8 a byte of int8 (they are packed
# anew). A test has what was measured, on other families too: the estimate is off by 15 % at most. What it
# does not know is attention that was not fused: T5 in int8 was measured 30 % above it (582 MiB, not 450).
_PROCESS_MIB = 65
_BYTES_PER_WEIGHT_BYTE = {"fp32": 1.4, "int8": 1.8}
# Measured on tokenizers 0.23: WordPiece of 30,000 words takes 13 to 17 bytes a byte of its file, BPE and
# Unigram of 30,000 to 100,000 take 8 to 9.
_TOKENIZER_FILE = "tokenizer.json"
_BYTES_PER_TOKENIZER_BYTE = 17
# Measured on torch 2.15 with Transformers 5.23, Llamas of 0.03 and 39 M parameters: 430 MiB without weights,
# which stay mapped from their file; they are counted all the same, as each token reads them all.
_TORCH_PROCESS_MIB = 430
# Measured on T5s of 0.1 and 127 M parameters, a text of 512 tokens: 486 and 522 MiB without weights.
_SUMMARY_MIB = 80
# Weights stored with 16 bits become fp32 on a CPU, in memory of their own: 127 M parameters in bf16 took
# 1008 MiB. On a GPU they are on the card; what stays in the host's memory then was not measured.
_FP32_BYTES_PER_STORED_BYTE = {"bf16": 2, "fp16": 2}
# Of a generation: its cache and what a long prompt takes for a moment. 39 M parameters, 1,000 tokens: 60 MiB
# for each further thread. Llama 3.2's 1B has 64 KiB of cache a token in fp32.
_GENERATION_KIB_PER_TOKEN = 64
# Measured on CTranslate2 4.8 with a T5 of 248 M parameters in int8: 327 MiB when it is loaded, of which 237
# are weights; 356 at one text of 256 tokens, 389 at one of 512, 497 and 591 at eight of them at once.
_CTRANSLATE2 = "ctranslate2"
_CTRANSLATE2_PROCESS_MIB = 56
# The server bounds a batch by the memory that is free; this much is enough for eight texts of 512 tokens, or
# for a long one in each of its two lanes.
_BATCH_ROWS, _BATCH_ROW_TOKENS, _LANES = 8, 512, 2
# A further thread holds attention scores of its own: four tensors of heads x tokens x tokens floats.
_SCORE_TENSORS = 4
_DEFAULT_HEADS = 12
# What an estimate may be off by, before a setting is called too small.
_ESTIMATE_TOLERANCE = 0.15
MARGIN = 1.2


@dataclass(frozen=True, slots=True)
class Need:
    """The memory that a model needs. memory_mib: the peak. measured: by `slipway fit`, or else estimated."""

    memory_mib: float
    measured: bool

    @property
    def least_mib(self) -> float:
        """Return the memory below which the model cannot work."""
        return self.memory_mib if self.measured else self.memory_mib * (1 - _ESTIMATE_TOLERANCE)

    @property
    def with_margin_mib(self) -> float:
        """Return the memory to set: a fifth above the peak, for growth over time and the system."""
        return self.memory_mib * MARGIN


def inference_threads(cpu: float) -> int:
    """Return one thread for each started vCPU."""
    return max(1, math.ceil(cpu))


def need_of(manifest: Mapping[str, Any], cpu: float) -> Need:
    """Return the need at `cpu` vCPU.

    manifest: as in the model's folder; `measured` (one thread) is used if `slipway fit --write` left it,
    else the file sizes and, if given, `precision` (fp32, fp16, bf16, int8) and `heads`.
    """
    measured = manifest.get("measured")
    # Manifests that were written before it had its unit say `memory_mb`.
    first = measured.get("memory_mib", measured.get("memory_mb")) if measured else _estimated(manifest)
    return Need(first + (inference_threads(cpu) - 1) * _thread_mib(manifest), measured is not None)


def _estimated(manifest: Mapping[str, Any]) -> float:
    sizes_mib = {name: file["bytes"] / 2**20 for name, file in manifest["files"].items()}
    size_mib = sum(sizes_mib.values())
    if manifest.get("engine") == "torch":
        weights_mib = size_mib * _FP32_BYTES_PER_STORED_BYTE.get(str(manifest.get("precision")), 1)
        own = _SUMMARY_MIB if manifest.get("task") == "summarize" else 0
        return _TORCH_PROCESS_MIB + own + weights_mib
    tokenizer_mib = sizes_mib.get(_TOKENIZER_FILE, 0)
    if manifest.get("engine") == _CTRANSLATE2:
        batch_mib = _GENERATION_KIB_PER_TOKEN * _batch_tokens(manifest["max_tokens"]) / 1024
        own_mib = _CTRANSLATE2_PROCESS_MIB + tokenizer_mib * _BYTES_PER_TOKENIZER_BYTE
        return own_mib + size_mib - tokenizer_mib + batch_mib
    weights_mib = (size_mib - tokenizer_mib) * _BYTES_PER_WEIGHT_BYTE[manifest.get("precision", "fp32")]
    return _PROCESS_MIB + tokenizer_mib * _BYTES_PER_TOKENIZER_BYTE + weights_mib


def _batch_tokens(max_tokens: int) -> int:
    return max(_BATCH_ROWS * min(max_tokens, _BATCH_ROW_TOKENS), _LANES * max_tokens)


def _thread_mib(manifest: Mapping[str, Any]) -> float:
    # A tabular model has no attention, and CTranslate2's threads compute one batch together.
    if "features" in manifest or manifest.get("engine") == _CTRANSLATE2:
        return 0
    if manifest.get("task") == "generate":
        return _GENERATION_KIB_PER_TOKEN * manifest["max_tokens"] / 1024
    heads, tokens = manifest.get("heads", _DEFAULT_HEADS), manifest["max_tokens"]
    return _SCORE_TENSORS * heads * tokens**2 * 4 / 2**20
