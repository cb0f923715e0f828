"""Small classifiers as `save_pretrained` leaves them, their weights random. Needs torch.

One label leads clearly, so that no answer is a toss-up, which another processor's int8 could turn.
"""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from slipway.modeltools.importing.texts import texts
from tests.modeltools.hub_fixtures import CARD

LABELS = ("bad", "good", "neither")
# The order of BERT's own vocabulary, or of RoBERTa's.
SPECIAL = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "roberta": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
}
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
DISTILBERT: dict[str, Any] = {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128}


def tokenizer_of(kind: str, limit: int | None) -> Any:
    """Of the words and letters that a conversion is compared on. kind: bert or roberta."""
    special = SPECIAL[kind]
    first, last = (special[2], special[3]) if kind == "bert" else (special[0], special[2])
    unknown = special[1] if kind == "bert" else special[3]
    words = sorted({word.lower() for text in texts(1) for word in text.split() if word.isalpha()})
    letters = sorted(set("".join(words)))
    vocabulary = dict.fromkeys([*special, *letters, *(f"##{letter}" for letter in letters), *words])
    tokenizer = Tokenizer(
        models.WordPiece({piece: index for index, piece in enumerate(vocabulary)}, unk_token=unknown)
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(first, tokenizer.token_to_id(first)), (last, tokenizer.token_to_id(last))]
    tokenizer.post_processor = processors.TemplateProcessing(f"{first} $A {last}", None, ends)
    pad = special[0] if kind == "bert" else special[1]
    # As many repositories have it; the server pads and cuts by itself.
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad), pad_token=pad, length=32)
    tokenizer.enable_truncation(16)
    names = {"unk_token": unknown, "pad_token": pad, "cls_token": first, "sep_token": last}
    limits = {} if limit is None else {"model_max_length": limit}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, **limits)


def saved(folder: Path, model_type: str, limit: int | None = 128, **config: Any) -> Path:
    """Save a model of this type. limit: the tokenizer's; config: further keys of its configuration."""
    kind = "roberta" if "roberta" in model_type or model_type == "mpnet" else "bert"
    tokenizer = tokenizer_of(kind, limit)
    settings = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 130 if kind == "roberta" else 128,
        "pad_token_id": tokenizer.pad_token_id,
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: index for index, label in enumerate(LABELS)},
        **(DISTILBERT if model_type == "distilbert" else SIZES),
        **config,
    }
    torch.manual_seed(3)
    network = transformers.AutoModelForSequenceClassification.from_config(
        transformers.AutoConfig.for_model(model_type, **settings)
    )
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if weights.dim() > 1:
                weights.mul_(4)
            if name.startswith("classifier") and weights.shape == (len(LABELS),):
                weights[1] = 2.0
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_bytes(CARD)
    return folder


def saved_embedder(folder: Path, pooling: str, normalize: bool = True) -> Path:
    """Save a BERT as sentence-transformers does. pooling: mean_tokens or cls_token."""
    tokenizer = tokenizer_of("bert", 128)
    settings = {"vocab_size": len(tokenizer), "max_position_embeddings": 128, **SIZES}
    torch.manual_seed(3)
    network = transformers.AutoModel.from_config(transformers.AutoConfig.for_model("bert", **settings))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    modules = [
        {"path": f"{place}_{kind}" if place else "", "type": f"sentence_transformers.models.{kind}"}
        for place, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
