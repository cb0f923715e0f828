"""Says what the other engine would take, for a model that writes text on a CPU. Pure."""

from collections.abc import Mapping
from typing import Any

from slipway.components.need import need_of

_TASKS = ("summarize", "generate")
_BYTES_OF_FP32 = 4
# Of the manifest's files, what another engine's folder would have instead.
_WEIGHTS = ("model.bin", ".safetensors")


def engine_notes(manifest: Mapping[str, Any], task: str, gpu: str) -> tuple[str, ...]:
    """Return a note on the choice between CTranslate2 and torch; nothing for another task, or with a GPU.

    manifest: {} for a model that is not here.
    """
    if gpu or (task or manifest.get("task")) not in _TASKS:
        return ()
    if not manifest:
        return (
            "On a CPU the image serves it with CTranslate2 in int8 if that takes its family: measure that "
            "rather than torch, with `slipway model add` and `slipway fit --write`.",
        )
    if manifest.get("engine") == "ctranslate2":
        return _instead_of_torch(manifest)
    return _instead_of_ctranslate2(manifest)


def _instead_of_torch(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    parameters = manifest.get("conversion", {}).get("parameters")
    if not parameters:
        return ()
    torch = need_of(_with_weights(manifest, "torch", "fp32", parameters * _BYTES_OF_FP32), 1)
    return (
        f"CTranslate2 serves it, with {need_of(manifest, 1).memory_mib:.0f} MiB; torch would take about "
        f"{torch.memory_mib:.0f} MiB. `slipway model bench` compares their throughput on a folder for each.",
    )


def _instead_of_ctranslate2(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    stored = sum(file["bytes"] for name, file in manifest["files"].items() if name.endswith(_WEIGHTS))
    parameters = stored / (2 if manifest.get("precision") in ("bf16", "fp16") else _BYTES_OF_FP32)
    int8 = need_of(_with_weights(manifest, "ctranslate2", "int8", parameters), 1)
    return (
        f"torch serves it, with {need_of(manifest, 1).memory_mib:.0f} MiB; CTranslate2 in int8 would take "
        f"about {int8.memory_mib:.0f} MiB if it takes the family: `slipway model add` its original, and "
        "compare the two with `slipway model bench`.",
    )


def _with_weights(manifest: Mapping[str, Any], engine: str, precision: str, size: float) -> dict[str, Any]:
    """Return the manifest of the same model for another engine, not measured."""
    files = {name: file for name, file in manifest["files"].items() if not name.endswith(_WEIGHTS)}
    kept = {key: value for key, value in manifest.items() if key != "measured"}
    return kept | {
        "engine": engine,
        "precision": precision,
        "files": files | {"weights": {"bytes": size}},
    }
