"""The two models that are compared, each opened as the server opens it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from slipway.service.backends import Backend, Float32s
from slipway.service.faults import BadModel
from slipway.service.folder import ModelFolder
from slipway.service.manifest import CONFIG_FILE, TEXT_FILES, TextManifest
from slipway.service.tasks import TASKS, classify, embed
from slipway.service.tasks.classify import ClassifyManifest
from slipway.service.tasks.embed import EmbedManifest

COMPARED = ("classify", "embed")


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is compared. name: as it is shown. A text longer than its limit is truncated."""

    name: str
    manifest: ClassifyManifest | EmbedManifest
    tokenizer: Tokenizer
    backend: Backend

    def output(self, text: str) -> Float32s:
        """Return the model's output for one text: [labels] logits, or a vector [width]."""
        input_ids = np.array([self.tokenizer.encode(text).ids], np.int64)
        return self.backend.run(input_ids, np.ones_like(input_ids))[0]


def opened(folder: Path) -> Model:
    """Open a model folder. Raises a StartFault."""
    manifest = TextManifest.read(folder, TASKS)
    if not isinstance(manifest, ClassifyManifest | EmbedManifest):
        raise BadModel(
            f"{folder}: its task is {manifest.task!r}; compared are models of {' and '.join(COMPARED)}."
        )
    manifest.check_files(folder)
    return _model(folder, manifest)


def reference(folder: Path, compared: Model) -> Model:
    """Open a model folder, or what save_pretrained wrote. Raises a StartFault if it is of another kind."""
    model = opened(folder) if (folder / "manifest.json").is_file() else _pretrained(folder, compared.manifest)
    ours, theirs = compared.manifest, model.manifest
    if ours.task != theirs.task:
        raise BadModel(f"{folder}: its task is {theirs.task!r}; that of {compared.name} is {ours.task!r}.")
    if _labels(ours) != _labels(theirs):
        raise BadModel(
            f"{folder}: its labels are {_labels(theirs)}; those of {compared.name} are {_labels(ours)}."
        )
    return model


def _pretrained(folder: Path, like: ClassifyManifest | EmbedManifest) -> Model:
    """Open a pretrained model on torch, with the limit and the pooling of the compared one."""
    if missing := [name for name in TEXT_FILES["torch"] if not (folder / name).is_file()]:
        raise BadModel(
            f"{folder} has neither manifest.json nor {', '.join(missing)}; REFERENCE must be a model folder, "
            "or what Transformers' save_pretrained wrote."
        )
    changes: dict[str, Any] = {"engine": "torch"}
    if isinstance(like, ClassifyManifest):
        config = json.loads((folder / CONFIG_FILE).read_bytes())
        names: dict[str, str] = config.get("id2label") or {}
        changes["labels"] = [names[number] for number in sorted(names, key=int)]
    return _model(folder, like.model_copy(update=changes))


def _model(folder: Path, manifest: ClassifyManifest | EmbedManifest) -> Model:
    model = ModelFolder(folder, manifest)
    tokenizer = model.tokenizer()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    tokenizer.enable_truncation(manifest.max_tokens)  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    backend = (
        embed.backend_of(model, manifest)
        if isinstance(manifest, EmbedManifest)
        else classify.backend_of(model)
    )
    return Model(folder.name, manifest, tokenizer, backend)


def _labels(manifest: ClassifyManifest | EmbedManifest) -> list[str]:
    return list(manifest.labels) if isinstance(manifest, ClassifyManifest) else []
