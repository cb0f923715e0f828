"""Reads from config.json whether a model writes text: as an encoder-decoder, or a decoder alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from slipway.service.faults import BadModel
from slipway.service.manifest import Engine

from .config import architectures, is_half, max_tokens, refuse_code
from .families import refusal, window_of

SUMMARIZERS = ("bart", "longt5", "mt5", "pegasus", "t5", "umt5")
"""Encoder-decoder models of text, by config.json's model_type; each is tested with random weights."""
_DECODERS = ("ForCausalLM", "LMHeadModel")
_ENCODER_DECODERS = ("ForConditionalGeneration", "ForSeq2SeqLM")
# Where families of models say how many tokens they take.
_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")
# Each token of a context is cached while an answer is written: a longer one must be requested.
MOST_BY_DEFAULT = 4096
# A summary has to find room for its prefix and a text; an answer for its prompt.
LEAST_TOKENS = 64
# T5 was trained on it: Raffel et al. 2020, appendix D.
_T5_PREFIX = "summarize: "


@dataclass(frozen=True, slots=True)
class Writer:
    architecture: str
    task: Literal["summarize", "generate"]
    half: bool
    """The weights are stored with 16 bits."""
    limit: int | None
    """Most tokens it takes, as its files say; None where they say nothing."""
    prefix: str = ""
    refusal: str | None = None
    """Why CTranslate2 does not take it; None if it does."""
    window: int | None = None
    """Tokens of a sliding window, beyond which CTranslate2 does not compute as torch does."""

    @property
    def manifest_keys(self) -> dict[str, Any]:
        return {"prefix": self.prefix} if self.task == "summarize" else {}

    @property
    def summary(self) -> str:
        """Return what the model does, in a few words."""
        said = f"at most {self.limit} tokens" if self.limit else "of no stated length"
        return f"for the task {self.task}, {said}"

    @classmethod
    def of(cls, place: str, described: Mapping[str, Any]) -> Self:
        """Read the configuration. Raises BadModel if Slipway does not serve the model.

        described: the contents of the small files, by name. place: the model's address, for messages.
        """
        config = described["config.json"]
        tokenizer = described.get("tokenizer_config.json", {})
        refuse_code(place, config, tokenizer)
        name, model_type = architectures(config)[0], str(config.get("model_type", ""))
        decodes = name.endswith(_DECODERS) and not config.get("is_encoder_decoder")
        if not decodes and model_type not in SUMMARIZERS:
            raise BadModel(
                f"{place}: config.json says {name}, model_type {model_type!r}; served are decoder-only "
                f"models, …ForCausalLM, and encoder-decoder models of text: {', '.join(SUMMARIZERS)}."
            )
        _refuse_quantized(place, config)
        return cls(
            name,
            "generate" if decodes else "summarize",
            is_half(config),
            _limit(config, tokenizer),
            "" if decodes else _prefix(config, model_type),
            refusal(config),
            window_of(config),
        )

    def tokens(self, place: str, requested: int | None, engine: Engine = "torch") -> int:
        """Return the manifest's max_tokens. Raises BadModel if `requested` is not possible, or is missing."""
        limit = self._limit_on(engine)
        if requested is not None and (requested < LEAST_TOKENS or requested > (limit or requested)):
            most = f"to {limit}, which {place} takes at most on {engine}" if limit else "on"
            raise BadModel(f"--max-tokens: got {requested}; allowed: from {LEAST_TOKENS} {most}.")
        if requested is None and limit is None:
            raise BadModel(f"{place} states no longest text; give one with --max-tokens, for example 512.")
        return requested or min(limit or 0, MOST_BY_DEFAULT)

    def _limit_on(self, engine: Engine) -> int | None:
        windows = [self.window] if engine == "ctranslate2" and self.window else []
        return min([*windows, *([self.limit] if self.limit else [])], default=None)


def writes(config: Mapping[str, Any]) -> bool:
    """Return whether the architecture's name is that of a model that writes text, served or not."""
    names = architectures(config)
    return len(names) == 1 and names[0].endswith((*_DECODERS, *_ENCODER_DECODERS))


def _limit(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> int | None:
    stated = next((config[key] for key in _LENGTHS if isinstance(config.get(key), int)), None)
    cut = tokenizer.get("model_max_length")
    return max_tokens(stated, None, cut if isinstance(cut, int | float) else None)


def _prefix(config: Mapping[str, Any], model_type: str) -> str:
    """Return the prefix of each text in training, from task_specific_params of T5 and its relatives."""
    tasks = config.get("task_specific_params")
    named = cast("dict[str, Any]", tasks).get("summarization") if isinstance(tasks, dict) else None
    prefix = cast("dict[str, Any]", named).get("prefix") if isinstance(named, dict) else None
    return str(prefix) if prefix is not None else (_T5_PREFIX if model_type == "t5" else "")


def _refuse_quantized(place: str, config: Mapping[str, Any]) -> None:
    quantized = config.get("quantization_config")
    if isinstance(quantized, dict):
        method = cast("dict[str, Any]", quantized).get("quant_method", "unknown")
        raise BadModel(
            f"{place}: config.json has quantization_config ({method}), which needs a library that the server "
            "does not have. Choose the model with weights of 32 or 16 bits."
        )
