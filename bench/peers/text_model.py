"""The model as every peer and the raw limit use it: tokenise, pad, run, and the answer's content.

Needs only onnxruntime, tokenizers and numpy, so that each peer's own environment can import it. One intra-op
thread per call, as Slipway's own session has.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
from numpy.typing import NDArray
from tokenizers import Tokenizer

ort: Any = onnxruntime


class PlainTextModel:
    """A model, shared by any number of threads. folder: manifest.json, model.onnx and tokenizer.json."""

    def __init__(self, folder: Path) -> None:
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        tokenizer.enable_truncation(self.manifest["max_tokens"])  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        self._tokenizer = tokenizer
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def outputs(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the model's outputs for one padded batch, [texts, width]."""
        rows = [self._tokenizer.encode(text).ids for text in texts]
        shape = (len(rows), max(map(len, rows)))
        input_ids, attention_mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for place, row in enumerate(rows):
            input_ids[place, : len(row)] = row
            attention_mask[place, : len(row)] = 1
        return self._session.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})[0]

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return what Slipway's own answers hold, without latency and version."""
        return [self._answer(output) for output in self.outputs(texts)]

    def _answer(self, output: NDArray[np.float32]) -> dict[str, Any]:
        if self.manifest["task"] == "embed":
            return {"embedding": output.tolist()}
        shares = np.exp(output - output.max())
        best = int(shares.argmax())
        return {"label": self.manifest["labels"][best], "proba": float(shares[best] / shares.sum())}
