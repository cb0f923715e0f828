"""What the stacks of the clouds share."""

from components.local.model import model_folder, require_memory
from components.local.process import ROOT as CHECKOUT
from components.need import need_of

# Stands for the image while the rest is checked: it is built only after that.
ANY_IMAGE = f"host/repository@sha256:{'0' * 64}"


def require_known_memory(
    name: str, model: str, task: str, cpu: float, memory_gib: float, target: str
) -> None:
    """Raise ValueError where a model whose manifest lies here cannot live in the memory that is set."""
    if model.startswith("bundled:"):
        manifest = model_folder(name, model, task, CHECKOUT).manifest
        require_memory(name, model, need_of(manifest, cpu), memory_gib, cpu, target)


def measured_request_seconds(name: str, model: str, task: str, cpu: float, concurrency: int) -> float | None:
    """Seconds that a request takes with `concurrency` under way, where `slipway fit --write` measured it."""
    if not model.startswith("bundled:"):
        return None
    measured = model_folder(name, model, task, CHECKOUT).manifest.get("measured")
    return concurrency / (measured["texts_per_second"] * cpu) if measured else None
