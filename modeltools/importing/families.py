"""Lists the families of models that write text which CTranslate2 takes, by config.json's model_type.

Torch serves the others. Each family here is tested: its log-probabilities are those of torch, and a small
trained model of it gives the same answers in int8. The engine's converters know more families, but some fail
on this version of Transformers, and some compute something else than torch does.
"""

from collections.abc import Mapping
from typing import Any, cast

ENCODER_DECODERS = ("bart", "mt5", "pegasus", "t5", "umt5")
DECODERS = (
    "falcon",
    "gemma",
    "gemma3_text",
    "gpt2",
    "gpt_bigcode",
    "llama",
    "mistral",
    "phi3",
    "qwen2",
    "qwen3",
)
FAMILIES = (*ENCODER_DECODERS, *DECODERS)

_REASONS = {
    "gemma2": "the engine leaves out the cap on its scores",
    "longt5": "the engine has no local attention",
}
# Of Llama 3.1 to 3.3; the engine has it as a constant: CTranslate2, src/layers/attention_layer.cc.
_LLAMA3_CONTEXT = 8192
_ROTATIONS = ("default", "linear", "llama3")


def refusal(config: Mapping[str, Any]) -> str | None:
    """Return why CTranslate2 does not take the model of this config.json; None if it does."""
    family = str(config.get("model_type", ""))
    if family not in FAMILIES:
        return _REASONS.get(family, f"its families are {', '.join(FAMILIES)}")
    rotation = _rotation(config)
    kind = str(rotation.get("rope_type", rotation.get("type", "default")))
    if kind not in _ROTATIONS:
        return f"the engine has no rotary positions of the type {kind!r}, only {', '.join(_ROTATIONS)}"
    original = rotation.get("original_max_position_embeddings", _LLAMA3_CONTEXT)
    if kind == "llama3" and original != _LLAMA3_CONTEXT:
        return f"the engine scales rotary positions from {_LLAMA3_CONTEXT} tokens, the model from {original}"
    return None


def window_of(config: Mapping[str, Any]) -> int | None:
    """Return the tokens of a sliding window, beyond which the engine does not compute as torch does."""
    window = config.get("sliding_window")
    if not isinstance(window, int) or window <= 0 or config.get("use_sliding_window") is False:
        return None
    return window


def _rotation(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how positions are rotated; Gemma 3 has one of it for each kind of layer, of the default type."""
    found = config.get("rope_parameters") or config.get("rope_scaling")
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
