"""A small BERT classifier as a repository holds it, and its forward pass, both in numpy alone.

Source of the network: Devlin et al. 2018, as transformers' BertForSequenceClassification lays it out.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests.modeltools.hub_fixtures import CARD

Floats = NDArray[np.float32]

LABELS = ("bad", "good", "neither")
WIDTH, HEADS, LAYERS, INNER, POSITIONS = 32, 4, 2, 64, 64
WORDS = ("where", "is", "my", "order", "i", "loved", "every", "minute", "of", "it", "the", "worst", "phone")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
EPSILON = 1e-12


@dataclass(frozen=True)
class Handmade:
    weights: dict[str, Floats]
    tokenizer: Tokenizer

    def files(self) -> dict[str, bytes]:
        """Return the files of a repository with the model."""
        config = {
            "architectures": ["BertForSequenceClassification"],
            "model_type": "bert",
            "vocab_size": self.tokenizer.get_vocab_size(),
            "hidden_size": WIDTH,
            "num_attention_heads": HEADS,
            "num_hidden_layers": LAYERS,
            "intermediate_size": INNER,
            "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2,
            "layer_norm_eps": EPSILON,
            "hidden_act": "gelu",
            "id2label": dict(enumerate(LABELS)),
        }
        names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        described = names | {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": POSITIONS}
        return {
            "README.md": CARD,
            "config.json": json.dumps(config).encode(),
            "tokenizer.json": self.tokenizer.to_str().encode(),
            "tokenizer_config.json": json.dumps(described).encode(),
            "model.safetensors": safetensors(self.weights),
        }

    def probabilities(self, text: str) -> Floats:
        """[labels], of one text."""
        ids = self.tokenizer.encode(text).ids
        of = self.weights
        hidden = of["bert.embeddings.word_embeddings.weight"][ids]
        hidden = hidden + of["bert.embeddings.position_embeddings.weight"][: len(ids)]
        hidden = self._normal(
            "bert.embeddings", hidden + of["bert.embeddings.token_type_embeddings.weight"][0]
        )
        for layer in range(LAYERS):
            hidden = self._layer(f"bert.encoder.layer.{layer}", hidden)
        pooled = np.tanh(self._linear("bert.pooler.dense", hidden[0]))
        exponents = np.exp(self._linear("classifier", pooled))
        return exponents / exponents.sum()

    def _layer(self, name: str, hidden: Floats) -> Floats:
        queries, keys, values = (
            self._linear(f"{name}.attention.self.{part}", hidden)
            .reshape(len(hidden), HEADS, -1)
            .swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(queries @ keys.swapaxes(1, 2) / math.sqrt(WIDTH / HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ values
        attended = self._linear(
            f"{name}.attention.output.dense", mixed.swapaxes(0, 1).reshape(len(hidden), -1)
        )
        hidden = self._normal(f"{name}.attention.output", attended + hidden)
        inner = self._linear(f"{name}.intermediate.dense", hidden)
        erf = np.vectorize(math.erf)(inner / math.sqrt(2)).astype(np.float32)
        return self._normal(
            f"{name}.output", self._linear(f"{name}.output.dense", inner * (1 + erf) / 2) + hidden
        )

    def _linear(self, name: str, given: Floats) -> Floats:
        return given @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _normal(self, name: str, given: Floats) -> Floats:
        centred = given - given.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * self.weights[f"{name}.LayerNorm.weight"] + self.weights[f"{name}.LayerNorm.bias"]


def handmade(seed: int = 5) -> Handmade:
    """Random weights; the second label leads clearly, so that int8 turns no answer."""
    tokenizer = _tokenizer()
    random = np.random.default_rng(seed)
    weights: dict[str, Floats] = {}
    for name, shape in _shapes(tokenizer.get_vocab_size()).items():
        weights[name] = random.normal(0, 0.3, shape).astype(np.float32)
        if "LayerNorm.weight" in name:
            weights[name] += 1
    weights["classifier.bias"] = np.array([0, 2, 0], np.float32)
    return Handmade(weights, tokenizer)


def safetensors(weights: dict[str, Floats]) -> bytes:
    """github.com/huggingface/safetensors, "Format": length of the header, header, then the numbers."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, values in weights.items():
        end = len(content) + values.nbytes
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(content), end]}
        content += values.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def _tokenizer() -> Tokenizer:
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, ends)
    return tokenizer


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (vocabulary, WIDTH),
        "bert.embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "bert.embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    linear = {"bert.pooler.dense": (WIDTH, WIDTH), "classifier": (len(LABELS), WIDTH)}
    normal = ["bert.embeddings"]
    for layer in range(LAYERS):
        name = f"bert.encoder.layer.{layer}"
        linear |= {f"{name}.attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        linear |= {f"{name}.attention.output.dense": (WIDTH, WIDTH)}
        linear |= {f"{name}.intermediate.dense": (INNER, WIDTH), f"{name}.output.dense": (WIDTH, INNER)}
        normal += [f"{name}.attention.output", f"{name}.output"]
    for name, shape in linear.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in normal:
        shapes |= {f"{name}.LayerNorm.weight": (WIDTH,), f"{name}.LayerNorm.bias": (WIDTH,)}
    return shapes
