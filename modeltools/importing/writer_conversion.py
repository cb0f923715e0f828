"""Turns a fetched model that writes text into the files of CTranslate2, compared with the original.

It is converted twice: in float32, which shows that the engine computes what torch does, and in the precision
to serve, which shows what rounding costs.
"""

import platform
import shutil
from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from ctranslate2.converters import transformers as converters
from ctranslate2.specs import model_spec

from slipway.service.faults import BadModel

from .families import ENCODER_DECODERS
from .loading import first_line
from .plan import ImportPlan
from .writer import Writer
from .writer_agreement import (
    closeness,
    divergence,
    likely,
    original,
    require_closeness,
    require_likeness,
    scored,
)
from .writer_loading import UNUSED, LoadedWriter, load_writer

PACKAGES = ("ctranslate2", "torch", "transformers")
_TYPES = {"fp32": "float32", "int8": "int8"}


def convert_writer(
    plan: ImportPlan,
    fetched: Path,
    made: Path,
    scratch: Path,
    precision: str,
    limit: int | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Fill the folder `made` and return the facts for its manifest.

    Raises BadModel if the engine cannot take the model, or does not answer as torch does.
    precision: fp32 or int8. limit: fewer tokens than the model takes. scratch: for temporary files.
    """
    place, head = str(plan.address), _writer(plan)
    tokens = head.tokens(place, limit, engine="ctranslate2")
    model = load_writer(fetched, made, place, head)
    parameters = model.parameters
    say(f"Writing and scoring answers with torch, {parameters:,} parameters")
    wanted, own = original(model, head, tokens), likely(model, head, tokens)
    say("Converting it for CTranslate2")
    exact = _converted(model, place, head, "fp32", scratch / "fp32")
    require_closeness(place, closeness(wanted, scored(exact, wanted, head)))
    served = exact if precision == "fp32" else _converted(model, place, head, precision, scratch / precision)
    say(f"Comparing its probabilities in {precision} with the original's")
    diverged = divergence(own, scored(served, own, head))
    require_likeness(place, diverged)
    found = closeness(wanted, scored(served, wanted, head))
    _move(served, made)
    return {
        "max_tokens": tokens,
        "precision": precision,
        "conversion": {
            "architecture": head.architecture,
            "parameters": parameters,
            **found.facts,
            "drawn_tokens_compared": sum(len(one.log_probabilities) for one in own),
            "divergence": round(diverged, 6),
            **{name: version(name) for name in PACKAGES},
            "machine": platform.machine(),
        },
    }


def _writer(plan: ImportPlan) -> Writer:
    if not isinstance(plan.head, Writer):
        raise BadModel(f"{plan.address}: {plan.head.architecture} writes no text; ONNX Runtime serves it.")
    return plan.head


def _converted(model: LoadedWriter, place: str, head: Writer, precision: str, out: Path) -> Path:
    """Write the engine's files into a new folder."""
    try:
        with torch.no_grad():
            specification = _specification(model)
            specification.validate()
            specification.optimize(quantization=_TYPES[precision])
            out.mkdir()
            specification.save(str(out))
    except OSError:
        raise
    except Exception as error:  # the converters raise many kinds
        raise BadModel(
            f"{place}: CTranslate2 {version('ctranslate2')} cannot convert {head.architecture}: "
            f"{first_line(error)}. Take --engine torch."
        ) from None
    return out


def _specification(model: LoadedWriter) -> Any:
    """Return the engine's description of the network, with its weights.

    The converter takes parts off a decoder while it reads it, so it is given a copy that shares the weights.
    """
    network = _shared_copy(model.network)
    loader: Any = converters._MODEL_LOADERS[type(network.config).__name__]  # pyright: ignore[reportPrivateUsage] - no public way to give it a network that is loaded already
    _describe_as_before(network)
    specification = loader(network, _Whole(model.tokenizer, model.rows))
    if network.config.model_type in ENCODER_DECODERS and hasattr(specification.decoder, "scale_outputs"):
        specification.decoder.scale_outputs = _output_scale(network.config)
    return specification


def _shared_copy(network: Any) -> Any:
    """Return a network with the same tensors and a configuration of its own."""
    with torch.device("meta"):
        shared = type(network)(deepcopy(network.config))
    shared.load_state_dict(network.state_dict(), assign=True)
    return shared.eval()


def _output_scale(config: Any) -> Any:
    """Return by what the decoder's output is multiplied before the head.

    The converter takes it from `tie_word_embeddings`, which Transformers 5 sets for every T5, also for
    flan-t5, whose output is not scaled: modeling_t5.py, modeling_mt5.py, modeling_umt5.py.
    """
    scales = {"t5": getattr(config, "scale_decoder_outputs", False), "umt5": True}
    return config.d_model**-0.5 if scales.get(config.model_type) else model_spec.OPTIONAL


def _describe_as_before(network: Any) -> None:
    """Give the configuration the names that it had in Transformers 4, which the converter reads."""
    config = network.config
    if config.model_type in ("bart", "pegasus"):
        config.normalize_before = config.model_type == "pegasus"
        config.normalize_embedding = config.model_type == "bart"
    rotation: Any = getattr(config, "rope_parameters", None) or {}
    if "full_attention" in rotation:
        config.rope_theta = rotation["full_attention"]["rope_theta"]
        config.rope_local_base_freq = rotation["sliding_attention"]["rope_theta"]
    elif "rope_theta" in rotation:
        config.rope_theta = rotation["rope_theta"]
        if rotation.get("rope_type") == "default":
            config.rope_parameters = None
    if config.model_type == "phi3":
        for layer in network.model.layers:
            layer.self_attn.rotary_emb = SimpleNamespace(long_factor=None, short_factor=None)


class _Whole:
    """A tokenizer whose vocabulary has an entry for each row of the network, as the engine requires.

    The engine adds a special token that is not there to its vocabulary, so one that the tokenizer lacks is
    another of its tokens. It stands for nothing: the server passes no token that the model does not know.
    """

    def __init__(self, tokenizer: Any, rows: int) -> None:
        self._tokenizer = tokenizer
        self._rows = rows

    def get_vocab(self) -> dict[str, int]:
        known: dict[str, int] = self._tokenizer.get_vocab()
        missing = set(range(self._rows)) - set(known.values())
        return known | {UNUSED.format(number): number for number in missing}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tokenizer, name)
        if found is None and name in ("bos_token", "eos_token", "unk_token"):
            return self._tokenizer.eos_token or self._tokenizer.convert_ids_to_tokens(0)
        return found


def _move(source: Path, made: Path) -> None:
    for path in source.iterdir():
        shutil.move(path, made / path.name)
