"""Turns the fetched files into model.onnx and tokenizer.json, verified against the original."""

import logging
import platform
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slipway.service.faults import BadModel
from slipway.service.manifest import MODEL_FILE, TOKENIZER_FILE

from .. import conversion
from .agreement import agreement, require_agreement
from .heads import Reader
from .loading import Loaded, Served, load_model, save_tokenizer, served
from .plan import ImportPlan
from .writer import Writer

PACKAGES = ("torch", "transformers", "onnxruntime")


def convert_model(
    plan: ImportPlan,
    fetched: Path,
    made: Path,
    scratch: Path,
    precision: str,
    limit: int | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Fill the folder `made` and return the facts for its manifest.

    Raises BadModel if the model cannot be converted.
    precision: fp32 or int8. limit: fewer tokens than the model takes. scratch: for temporary files.
    """
    place, head = str(plan.address), _reader(plan)
    model = load_model(fetched, place, head, limit)
    say(f"Exporting {model.parameters:,} parameters to ONNX")
    with _working_in(scratch):
        graph = _graph(model, served(model.network, head), place, scratch, say)
        attention = conversion.nodes(graph, "Attention")
        say(f"Attention is fused in {attention} of {model.layers} layers; writing it in {precision}")
        if precision == "int8":
            conversion.quantize(graph, made / MODEL_FILE)
        else:
            graph.rename(made / MODEL_FILE)
    save_tokenizer(model.tokenizer, made / TOKENIZER_FILE)
    say("Comparing its answers with the original's")
    found = agreement(model, head, made / MODEL_FILE, made / TOKENIZER_FILE)
    require_agreement(place, found, precision)
    return {
        "max_tokens": model.max_tokens,
        "precision": precision,
        **({"heads": model.heads} if model.heads else {}),
        "conversion": {
            "architecture": head.architecture,
            "parameters": model.parameters,
            **found.facts,
            **{name: version(name) for name in PACKAGES},
            "machine": platform.machine(),
        },
    }


def _reader(plan: ImportPlan) -> Reader:
    if isinstance(plan.head, Writer):
        raise BadModel(f"{plan.address}: {plan.head.architecture} writes text, so it is not converted.")
    return plan.head


def _graph(model: Loaded, network: Served, place: str, scratch: Path, say: Callable[[str], None]) -> Path:
    """Return the exported network, fused if ONNX Runtime's optimizer supports its structure."""
    plain, fused = scratch / "plain.onnx", scratch / "fused.onnx"
    try:
        conversion.export(network, plain, network.output)
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds
        raise BadModel(
            f"{place}: torch cannot export this architecture to ONNX: {_first_line(error)}"
        ) from None
    try:
        conversion.fuse(plain, fused, model.heads, model.width)
    except OSError:
        raise
    except Exception as error:  # an optimizer that trips over an unusual graph; unfused it is only slower
        say(f"The optimizer cannot read this graph: {_first_line(error)}")
        return plain
    plain.unlink()
    return fused


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


@contextmanager
def _working_in(scratch: Path) -> Generator[None]:
    """Use `scratch` as the temporary folder and silence warnings: the optimizer copies the model and logs."""
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        tempfile.tempdir = before
