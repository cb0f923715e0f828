"""Stands for Transformers beside the stand-in for torch: a classifier that weighs every text alike."""

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] - the stand-in beside this folder

pt: Any = torch


class _Classifier:
    device = "cpu"

    def to(self, device: str) -> "_Classifier":
        if device == "cuda" and os.environ.get("FAKE_GPU") == "full":
            raise RuntimeError(pt.FAULTS["full"])
        self.device = device
        return self

    def eval(self) -> "_Classifier":
        return self

    def __call__(self, input_ids: Any, attention_mask: Any) -> Any:
        if {input_ids.device, attention_mask.device} != {self.device}:
            raise RuntimeError("Expected all tensors to be on the same device")
        logits = np.zeros((len(input_ids.array), 2), np.float32)
        return SimpleNamespace(logits=pt.Tensor(logits, self.device))


class AutoModelForSequenceClassification:
    @staticmethod
    def from_pretrained(folder: Any, **settings: Any) -> Any:
        nothing: list[str] = []
        faults = {"missing_keys": nothing, "mismatched_keys": nothing, "unexpected_keys": nothing}
        return _Classifier(), faults


def _ignore(*_: Any) -> None: ...


utils = SimpleNamespace(
    logging=SimpleNamespace(CRITICAL=50, set_verbosity=_ignore, disable_progress_bar=_ignore)
)
