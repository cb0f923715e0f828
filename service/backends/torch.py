"""PyTorch: a classifier as Transformers saves it, config.json and model.safetensors, on a GPU or a CPU.

Only safetensors and only files of the folder are read: no pickle, no code of a model's own, no network.
"""

import os
from pathlib import Path
from typing import Any, cast

# A folder is all that is asked for, so a hub is never meant; and nothing is told of the use.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import torch  # pyright: ignore[reportMissingImports] - installed only where a model of this engine is served
import transformers  # pyright: ignore[reportMissingImports] - as above

from service.backends import Float32s, Int64s
from service.faults import BadModel

pt: Any = torch
hf: Any = transformers


class TorchBackend:
    def __init__(self, folder: Path) -> None:
        """folder: holds config.json and model.safetensors. Raises BadModel if they make no classifier."""
        # What is wrong is raised; its notes and progress bars are not JSON.
        hf.utils.logging.set_verbosity(hf.utils.logging.CRITICAL)
        hf.utils.logging.disable_progress_bar()
        # Requests run side by side, one thread each, as in backends/onnx.py; it holds for every thread.
        # On two CPUs: 1.9x with 12 M parameters and 128 tokens; 0.9x with 1 M and 16, which wait for the GIL.
        pt.set_num_threads(1)
        self._device = "cuda" if pt.cuda.is_available() else "cpu"
        self._model = _classifier(folder, _dtype(self._device)).to(self._device).eval()

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        with pt.inference_mode():
            logits = self._model(
                input_ids=pt.from_numpy(input_ids).to(self._device),
                attention_mask=pt.from_numpy(attention_mask).to(self._device),
            ).logits
            return cast(Float32s, logits.to("cpu", pt.float32).numpy())


def _dtype(device: str) -> Any:
    """bf16 where the GPU has it (Ampere and later); older ones and most CPUs would only imitate it."""
    if device == "cuda" and pt.cuda.is_bf16_supported(including_emulation=False):
        return pt.bfloat16
    return pt.float32


def _classifier(folder: Path, dtype: Any) -> Any:
    loader = hf.AutoModelForSequenceClassification
    try:
        model, found = loader.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            # Both are told by _expect_every_tensor, with the tensor's name.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:  # wrong JSON, wrong tensors and unknown models each have classes of their own
        raise BadModel(f"{folder} cannot be loaded by Transformers: {_first_line(error)}") from None
    _expect_every_tensor(folder, type(model).__name__, found)
    return model


def _expect_every_tensor(folder: Path, model: str, found: dict[str, Any]) -> None:
    """Transformers fills what the file lacks with random numbers, and leaves out what it has too much."""
    faults = {
        "are missing": sorted(found["missing_keys"]),
        "have another shape": sorted(f"{name} {list(got)}" for name, got, _ in found["mismatched_keys"]),
        "belong to no part of it": sorted(found["unexpected_keys"]),
    }
    for fault, tensors in faults.items():
        if tensors:
            raise BadModel(
                f"{folder / 'model.safetensors'} does not fit config.json, a {model}: {len(tensors)} tensors "
                f"{fault}: {', '.join(tensors[:3])}. Save the classifier and its config together, "
                "by Transformers' save_pretrained."
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
