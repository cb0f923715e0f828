"""A fetched model in torch: its network and tokenizer, as transformers loads them, and its limits.

Nothing of the repository is run: no remote code, no pickle, no download from here on.
"""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from slipway.service.faults import BadModel

from .config import Classifier, max_tokens
from .embedder import Embedder
from .heads import Reader

# The layer that BERT's own training put on top, of which no embedding is made.
UNUSED_IN_EMBEDDINGS = ("pooler.",)

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


class Served(torch.nn.Module, ABC):
    """The network as the server calls it: `input_ids` and `attention_mask` to what the task reads."""

    output: str
    """Its name in the graph."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self._network = network
        self._takes_types = "token_type_ids" in inspect.signature(network.forward).parameters
        self.eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # One text has one type; left out, it makes the exporter record a detour that hinders the fusing.
        types = {"token_type_ids": torch.zeros_like(input_ids)} if self._takes_types else {}
        given = self._network(input_ids=input_ids, attention_mask=attention_mask, **types)
        return self.read(given, attention_mask)

    @abstractmethod
    def read(self, given: Any, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the part of the network's output that the task reads: [batch, width]."""


class Logits(Served):
    output = "logits"

    def read(self, given: Any, attention_mask: torch.Tensor) -> torch.Tensor:
        del attention_mask
        return given.logits


class Embedding(Served):
    """The tokens' vectors, pooled, and normalised to length 1 if the model is trained so."""

    output = "emb"

    def __init__(self, network: torch.nn.Module, head: Embedder) -> None:
        super().__init__(network)
        self._head = head

    def read(self, given: Any, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = given.last_hidden_state
        if self._head.pooling == "cls":
            vectors = hidden[:, 0]
        else:
            weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
            vectors = (hidden * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(vectors, dim=-1) if self._head.normalize else vectors


def served(network: torch.nn.Module, head: Reader) -> Served:
    return Embedding(network, head) if isinstance(head, Embedder) else Logits(network)


def load_model(folder: Path, place: str, head: Reader, limit: int | None = None) -> Loaded:
    """Load the model in `folder`, in float32. Raises BadModel if transformers cannot load the whole of it.

    place: its address, for messages. limit: fewer tokens than the model takes, to save memory.
    """
    network = _network(folder, place, head)
    tokenizer = _tokenizer(folder, place)
    require_rows(network, tokenizer, place)
    longest = max_tokens(*_positions(network), getattr(tokenizer, "model_max_length", None))
    if head.limit is not None:
        longest = min(longest or head.limit, head.limit)
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


def _network(folder: Path, place: str, head: Reader) -> Any:
    loader = AutoModel if isinstance(head, Embedder) else AutoModelForSequenceClassification
    try:
        network, report = loader.from_pretrained(
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
            f"{place}: transformers {transformers.__version__} cannot load it as {head.architecture}: "
            f"{first_line(error)}."
        ) from None
    unused = UNUSED_IN_EMBEDDINGS if isinstance(head, Embedder) else ()
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(unused))
    if missing:
        raise BadModel(
            f"{place}: the weights lack {', '.join(missing[:5])}, without which the model would answer at "
            "random. It was not saved after it was fine-tuned; choose another commit."
        )
    if isinstance(head, Classifier):
        _require_its_head(network, place, head)
    return network.eval()


def _require_its_head(network: Any, place: str, classifier: Classifier) -> None:
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


def _tokenizer(folder: Path, place: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer.backend_tokenizer.to_str()
    except Exception as error:  # each converter raises its own
        raise BadModel(
            f"{place}: transformers {transformers.__version__} cannot make a tokenizer.json of its "
            f"tokenizer: {first_line(error)}. Choose a model that has a tokenizer.json."
        ) from None
    return tokenizer


def require_rows(network: Any, tokenizer: Any, place: str) -> None:
    """Raise BadModel if a token, also an added one, has no row in the network's embedding."""
    rows = int(network.get_input_embeddings().weight.shape[0])
    token, highest = max(tokenizer.get_vocab().items(), key=lambda item: item[1], default=("", -1))
    if highest >= rows:
        raise BadModel(
            f"{place}: its tokenizer has tokens up to {token!r} ({highest}); the embedding in its weights "
            f"has {rows} rows, so that it fails on the others. They are of two models, or it was saved "
            "without model.resize_token_embeddings(len(tokenizer)): save both again, from the same training."
        )


def _positions(network: torch.nn.Module) -> tuple[int | None, int | None]:
    """Return the position embedding's rows and padding index, or the configuration's if it has none."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings, module.padding_idx
    return getattr(network.config, "max_position_embeddings", None), None


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300].rstrip(".")
