"""`slipway model check`: compares two forms of one model on given texts, and judges the difference."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.infra.errors import Refused
from slipway.infra.model.torch_env import beside_torch, printed_by

_MODULE = "slipway.modeltools.comparing"
# Measured on MiniLM: int8 by export's recipe keeps 0.99 of the cosine; what kept 0.93 was unusable.
LEAST = {"embed": 0.98, "classify": 0.99}
MOST_ACCURACY_LOSS = 0.01


@dataclass(frozen=True, slots=True)
class Verdict:
    """figures: as modeltools/comparing prints them. faults: why it is refused, none where it passes."""

    figures: dict[str, Any]
    threshold: float
    faults: tuple[str, ...]


def checked(model: Path, reference: Path, texts: Path, threshold: float | None) -> Verdict:
    """Compare two models. Raises Refused if an input cannot be used, or torch is needed and missing."""
    for name, path in (("MODEL", model), ("--against", reference)):
        if not path.is_dir():
            raise Refused(f"{name} is {path}, which is not a folder here.")
    variables = beside_torch() if any(map(_needs_torch, (model, reference))) else {}
    found = json.loads(
        printed_by(_MODULE, [str(path.resolve()) for path in (model, reference, texts)], variables)
    )
    least = LEAST[found["task"]] if threshold is None else threshold
    return Verdict(found, least, tuple(_faults(found, least)))


def _needs_torch(folder: Path) -> bool:
    """Return whether the folder has no manifest, as save_pretrained writes it."""
    try:
        return json.loads((folder / "manifest.json").read_bytes()).get("engine") == "torch"
    except FileNotFoundError:
        return True
    except (ValueError, AttributeError):  # the comparison reports what is wrong with it
        return False


def _faults(found: dict[str, Any], least: float) -> list[str]:
    name = "mean_cosine" if found["task"] == "embed" else "same_label"
    faults = [f"{name} is {found[name]:.4f}; the minimum is {least:g}"] if found[name] < least else []
    if found.get("accuracy") is not None:
        loss = found["reference_accuracy"] - found["accuracy"]
        if loss > MOST_ACCURACY_LOSS:
            faults.append(
                f"accuracy is {found['accuracy']:.4f}, {loss:.4f} below the reference's; the "
                f"maximum is {MOST_ACCURACY_LOSS:g}"
            )
    return faults
