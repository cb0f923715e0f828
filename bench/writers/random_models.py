"""Models of CTranslate2 with random weights, made without torch: the shapes of T5 and of Llama, of any size.

The weights are those of one seed, so that a model is the same each time. Nothing sensible is written by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
import numpy as np

specs: Any = ctranslate2.specs
common: Any = specs.common_spec


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A Transformer's sizes. layers: of each stack. kv_heads: fewer than heads in a Llama."""

    width: int
    inner: int
    heads: int
    layers: int
    head_width: int
    kv_heads: int


TINY = ModelShape(width=32, inner=64, heads=4, layers=2, head_width=8, kv_heads=2)
FLAN_T5_BASE = ModelShape(width=768, inner=2048, heads=12, layers=12, head_width=64, kv_heads=12)
# 135 M parameters with 49,152 tokens: huggingface.co/HuggingFaceTB/SmolLM2-135M, config.json.
SMOL_LLAMA = ModelShape(width=576, inner=1536, heads=9, layers=30, head_width=64, kv_heads=3)


class _Weights:
    """Draws weights. scale: of the standard deviation, 1 keeps the size of what passes through."""

    def __init__(self, seed: int, scale: float) -> None:
        self._draw = np.random.default_rng(seed)
        self._scale = scale

    def __call__(self, *shape: int) -> Any:
        return self._draw.standard_normal(shape, np.float32) * np.float32(self._scale / shape[-1] ** 0.5)


def write_t5(
    folder: Path,
    tokens: Sequence[str],
    shape: ModelShape = TINY,
    quantization: str | None = "int8",
    seed: int = 1,
    scale: float = 2.0,
    eos: str = "</s>",
) -> None:
    """Write a T5 with gated GELU, as flan-t5 has it. tokens: the vocabulary, with <pad>, <unk> or `eos`."""
    draw = _Weights(seed, scale)
    spec = specs.TransformerSpec.from_config(
        (shape.layers, shape.layers),
        shape.heads,
        activation=common.Activation.GELUTanh,
        ffn_glu=True,
        relative_attention_bias=True,
        rms_norm=True,
    )
    for stack in (spec.encoder, spec.decoder):
        embeddings: Any = stack.embeddings[0] if stack is spec.encoder else stack.embeddings
        embeddings.weight = np.random.default_rng(seed).standard_normal(
            (len(tokens), shape.width), np.float32
        )
        stack.scale_embeddings = False
        stack.layer_norm.gamma = np.ones(shape.width, np.float32)
        bias = draw(32, shape.heads)
        for layer in stack.layer:
            _t5_attention(layer.self_attention, draw, shape, bias)
            if stack is spec.decoder:
                _t5_attention(layer.attention, draw, shape, None)
            _gated(layer.ffn, draw, shape)
    spec.decoder.projection.weight = draw(len(tokens), shape.width)
    spec.register_source_vocabulary(list(tokens))
    spec.register_target_vocabulary(list(tokens))
    spec.config.bos_token = spec.config.decoder_start_token = "<pad>"
    spec.config.eos_token, spec.config.unk_token = eos, tokens[2]
    _save(spec, folder, quantization)


def write_llama(
    folder: Path,
    tokens: Sequence[str],
    shape: ModelShape = TINY,
    quantization: str | None = "int8",
    seed: int = 1,
    scale: float = 2.0,
    eos: str = "</s>",
) -> None:
    """Write a Llama. tokens: the vocabulary, with <s> and `eos`."""
    draw = _Weights(seed, scale)
    spec = specs.TransformerDecoderModelSpec.from_config(
        shape.layers,
        shape.heads,
        activation=common.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        num_heads_kv=None if shape.kv_heads == shape.heads else shape.kv_heads,
    )
    decoder = spec.decoder
    decoder.embeddings.weight = np.random.default_rng(seed).standard_normal(
        (len(tokens), shape.width), np.float32
    )
    decoder.scale_embeddings = False
    decoder.layer_norm.gamma = np.ones(shape.width, np.float32)
    decoder.projection.weight = draw(len(tokens), shape.width)
    for layer in decoder.layer:
        attention = layer.self_attention
        attention.layer_norm.gamma = np.ones(shape.width, np.float32)
        attention.linear[0].weight = draw((shape.heads + 2 * shape.kv_heads) * shape.head_width, shape.width)
        attention.linear[1].weight = draw(shape.width, shape.heads * shape.head_width)
        _gated(layer.ffn, draw, shape)
    spec.register_vocabulary(list(tokens))
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<s>", eos, tokens[0]
    _save(spec, folder, quantization)


def _t5_attention(attention: Any, draw: _Weights, shape: ModelShape, bias: Any) -> None:
    """Fill one. bias: of a self-attention; None: it looks at the encoder's answer."""
    inner = shape.heads * shape.head_width
    attention.layer_norm.gamma = np.ones(shape.width, np.float32)
    attention.queries_scale = 1.0
    rows = [3 * inner] if bias is not None else [inner, 2 * inner]
    for linear, count in zip(attention.linear, rows, strict=False):
        linear.weight = draw(count, shape.width) / np.float32(shape.head_width**0.25)
    attention.linear[-1].weight = draw(shape.width, inner)
    if bias is not None:
        attention.relative_attention_bias = bias
        attention.relative_attention_max_distance = np.dtype("int32").type(128)


def _gated(ffn: Any, draw: _Weights, shape: ModelShape) -> None:
    ffn.layer_norm.gamma = np.ones(shape.width, np.float32)
    ffn.linear_0.weight, ffn.linear_0_noact.weight = (
        draw(shape.inner, shape.width),
        draw(shape.inner, shape.width),
    )
    ffn.linear_1.weight = draw(shape.width, shape.inner)


def _save(spec: Any, folder: Path, quantization: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
