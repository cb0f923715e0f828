"""Loads a folder that Transformers' save_pretrained wrote, on a GPU or a CPU.

Only safetensors and only files of the folder are read: no pickle, no code of a model's own, no network.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

# Only a folder is requested, so a hub is never meant; and the use is not reported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import torch  # pyright: ignore[reportMissingImports] - installed only where a model of this engine is served
import transformers  # pyright: ignore[reportMissingImports] - as above

from ..device import DeviceKind
from ..faults import BadModel

pt: Any = torch
hf: Any = transformers

FROM_THE_FOLDER_ALONE = {"trust_remote_code": False, "local_files_only": True}


def visible_device() -> DeviceKind:
    """Return `cuda` if torch sees a GPU, else `cpu`."""
    return "cuda" if pt.cuda.is_available() else "cpu"


def pretrained(folder: Path, kind: str, device: DeviceKind, unused: Collection[str] = ()) -> Any:
    """Return the model on its device, ready to run.

    kind: one of Transformers' Auto classes, without the Auto. unused: prefixes of the names of tensors that
    may be missing, or left over. Raises BadModel if the folder makes no such model, DeviceUnusable if it does
    not fit on the GPU.
    """
    # What is wrong is raised; its notes and progress bars are not JSON.
    hf.utils.logging.set_verbosity(hf.utils.logging.CRITICAL)
    hf.utils.logging.disable_progress_bar()
    # Requests run side by side, one thread each, as in backends/onnx.py; it holds for every thread.
    # On two CPUs: 1.9x with 12 M parameters and 128 tokens; 0.9x with 1 M and 16, which wait for the GIL.
    pt.set_num_threads(1)
    try:
        model, found = getattr(hf, f"Auto{kind}").from_pretrained(
            folder,
            dtype=_dtype(device),
            use_safetensors=True,
            # Both are reported by _expect_every_tensor, with the tensor's name.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **FROM_THE_FOLDER_ALONE,
        )
    except Exception as error:  # wrong JSON, wrong tensors and unknown models each have classes of their own
        raise BadModel(f"{folder} cannot be loaded by Transformers: {first_line(error)}") from None
    _expect_every_tensor(folder, type(model).__name__, found, tuple(unused))
    try:
        return model.to(device).eval()
    except RuntimeError as error:  # too little memory, and what CUDA finds wrong
        if device == "cpu":
            raise
        from .gpu import does_not_fit

        raise does_not_fit(error) from None


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _dtype(device: DeviceKind) -> Any:
    """Return bf16 if the GPU has it (Ampere and later); older ones and most CPUs would only emulate it."""
    if device == "cuda" and pt.cuda.is_bf16_supported(including_emulation=False):
        return pt.bfloat16
    return pt.float32


def _expect_every_tensor(folder: Path, model: str, found: dict[str, Any], unused: tuple[str, ...]) -> None:
    """Raise BadModel if tensors are missing, have another shape or are left over.

    Transformers would fill missing ones with random numbers, and ignore those left over.
    """
    faults = {
        "are missing": sorted(found["missing_keys"]),
        "have another shape": sorted(f"{name} {list(got)}" for name, got, _ in found["mismatched_keys"]),
        "belong to no part of it": sorted(found["unexpected_keys"]),
    }
    for fault, names in faults.items():
        tensors = [name for name in names if not (unused and name.startswith(unused))]
        if tensors:
            raise BadModel(
                f"{folder / 'model.safetensors'} does not fit config.json, a {model}: {len(tensors)} tensors "
                f"{fault}: {', '.join(tensors[:3])}. Save the model and its config together, "
                "by Transformers' save_pretrained."
            )
