"""A fetched model in torch: its network and tokenizer, as transformers loads them, and its limits.

Nothing of the repository is run: no remote code, no pickle, no download from here on.
"""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from service.faults import BadModel
from service.models.importing.config import Classifier, max_tokens

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


@dataclass(frozen=True)
class Loaded:
    network: Any
    tokenizer: Any
    max_tokens: int

    @property
    def heads(self) -> int:
        return int(getattr(self.network.config, "num_attention_heads", 0) or 0)

    @property
    def width(self) -> int:
        return int(getattr(self.network.config, "hidden_size", 0) or 0)

    @property
    def layers(self) -> int:
        return int(getattr(self.network.config, "num_hidden_layers", 0) or 0)

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.network.parameters())


class Logits(torch.nn.Module):
    """The network as the server calls it: `input_ids`, `attention_mask` to logits, [batch, labels]."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self._network = network
        self._takes_types = "token_type_ids" in inspect.signature(network.forward).parameters
        self.eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # One text has one type; left out, it makes the exporter record a detour that hinders the fusing.
        types = {"token_type_ids": torch.zeros_like(input_ids)} if self._takes_types else {}
        return self._network(input_ids=input_ids, attention_mask=attention_mask, **types).logits


def loaded(folder: Path, place: str, classifier: Classifier, limit: int | None = None) -> Loaded:
    """The model in `folder`, in float32. Raises BadModel if transformers cannot load the whole of it.

    place: its address, as it is told. limit: fewer tokens than the model takes, to save memory.
    """
    network = _network(folder, place, classifier)
    tokenizer = _tokenizer(folder, place)
    longest = max_tokens(*_positions(network), getattr(tokenizer, "model_max_length", None))
    if limit is not None and longest is not None and limit > longest:
        raise BadModel(f"--max-tokens: got {limit}; {place} takes at most {longest}.")
    if limit is None and longest is None:
        raise BadModel(f"{place} states no longest text; give one with --max-tokens, for example 512.")
    return Loaded(network, tokenizer, limit or longest or 0)


def save_tokenizer(tokenizer: Any, path: Path) -> None:
    """Write tokenizer.json, which neither pads nor truncates: the server does that."""
    plain = tokenizers.Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    plain.no_padding()
    plain.no_truncation()
    plain.save(str(path))


def _network(folder: Path, place: str, classifier: Classifier) -> Any:
    try:
        network, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
            # The only form of attention that ONNX Runtime's optimizer knows.
            attn_implementation="eager",
        )
    except Exception as error:  # transformers, safetensors and torch each raise their own
        raise BadModel(
            f"{place}: transformers {transformers.__version__} cannot load it as {classifier.architecture}: "
            f"{_first_line(error)}."
        ) from None
    if missing := sorted(report["missing_keys"]):
        raise BadModel(
            f"{place}: the weights lack {', '.join(missing[:5])}, without which the model would answer at "
            "random. It was not saved after it was fine-tuned for classification; choose another commit."
        )
    if type(network).__name__ != classifier.architecture:
        raise BadModel(
            f"{place}: config.json says {classifier.architecture}; transformers makes "
            f"{type(network).__name__} of it."
        )
    if network.config.num_labels != len(classifier.labels):
        raise BadModel(
            f"{place}: the network gives {network.config.num_labels} logits; config.json names "
            f"{len(classifier.labels)} labels."
        )
    return network.eval()


def _tokenizer(folder: Path, place: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer.backend_tokenizer.to_str()
    except Exception as error:  # each converter raises its own
        raise BadModel(
            f"{place}: transformers {transformers.__version__} cannot make a tokenizer.json of its "
            f"tokenizer: {_first_line(error)}. Choose a model that has a tokenizer.json."
        ) from None
    return tokenizer


def _positions(network: torch.nn.Module) -> tuple[int | None, int | None]:
    """Rows of the position embedding and its padding index; without one what the configuration says."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings, module.padding_idx
    return getattr(network.config, "max_position_embeddings", None), None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300].rstrip(".")
