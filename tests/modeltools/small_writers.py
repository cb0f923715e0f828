"""Small models that write text, trained in a minute each: they turn a word round, or keep a first sentence.

Greedy answers of random weights differ after one close choice; those of these models are right or wrong.
`python -m tests.modeltools.small_writers FOLDER` trains the one in tests/service/backends/first-sentence,
which tests everywhere serve, in five minutes on one core. Needs torch.
"""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.service.tasks.byte_tokenizer import VOCABULARY, byte_tokenizer

CONTEXT = 256
PAD, END, LEFT_OUT = 0, 1, -100
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_IDS = {"vocab_size": VOCABULARY, "pad_token_id": PAD, "eos_token_id": END, "bos_token_id": 2}
_T5 = {
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": PAD,
    "dropout_rate": 0.0,
    "feed_forward_proj": "gated-gelu",
    "n_positions": CONTEXT,
}
_BART = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "max_position_embeddings": CONTEXT,
    "decoder_start_token_id": PAD,
    "forced_eos_token_id": None,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
_LLAMA = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
}
_GPT2 = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT}
_WITHOUT_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
_FALCON = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_GEMMA = {**_LLAMA, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": CONTEXT}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bart": _BART,
    "falcon": _FALCON,
    "gemma": {**_LLAMA, "head_dim": 16},
    "gemma3_text": _GEMMA,
    "gpt2": {**_GPT2, **_WITHOUT_DROPOUT},
    "gpt_bigcode": {**_GPT2, **_WITHOUT_DROPOUT},
    "llama": _LLAMA,
    "mistral": {**_LLAMA, "sliding_window": None},
    "mt5": _T5,
    "pegasus": _BART,
    "phi3": {**_LLAMA, "sliding_window": None},
    "qwen2": _LLAMA,
    "qwen3": {**_LLAMA, "head_dim": 16},
    "t5": _T5,
    "umt5": _T5,
}
# How widely the weights begin. Transformers' own 0.02 keeps networks this small from learning positions.
_SPREAD = 0.12

Pair = tuple[str, str]


def turned_round(chance: random.Random) -> Pair:
    word = "".join(chance.choice(LETTERS) for _ in range(chance.randint(3, 6)))
    return word, word[::-1]


def first_sentence(chance: random.Random) -> Pair:
    sentences = [_sentence(chance) for _ in range(chance.randint(1, 2))]
    return " ".join(sentences), sentences[0]


def _sentence(chance: random.Random) -> str:
    words = ["".join(chance.choices(LETTERS, k=chance.randint(1, 8))) for _ in range(chance.randint(1, 5))]
    return f"{' '.join(words).capitalize()}."


def network_of(family: str, **config: Any) -> Any:
    """Return an untrained network of the family, the same each time."""
    torch.manual_seed(1)
    described = transformers.AutoConfig.for_model(family, **_IDS | CONFIGURATIONS[family] | config)
    kind = "Seq2SeqLM" if described.is_encoder_decoder else "CausalLM"
    network = getattr(transformers, f"AutoModelFor{kind}").from_config(described)
    if family not in ("t5", "mt5", "umt5"):
        for weights in network.parameters():
            if weights.dim() > 1:
                torch.nn.init.normal_(weights, 0, _SPREAD)
    return network


def trained(
    network: Any, pair: Callable[[random.Random], Pair], steps: int, rate: float = 3e-3, size: int = 64
) -> Any:
    """Train the network on `size` new pairs at each step, and return it."""
    torch.set_num_threads(1)  # networks this small wait for further threads rather than gain by them
    chance = random.Random(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    network.train()
    for _ in range(steps):
        loss = network(**_batch(network, [pair(chance) for _ in range(size)])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return network.eval()


def prompt_of(network: Any, text: str) -> str:
    """Return what the network reads: a decoder needs to see where the answer begins."""
    return text if network.config.is_encoder_decoder else f"{text}="


def _batch(network: Any, pairs: list[Pair]) -> dict[str, Any]:
    encode = byte_tokenizer().encode
    read = [encode(prompt_of(network, text)).ids for text, _ in pairs]
    written = [[*encode(answer).ids, END] for _, answer in pairs]
    if network.config.is_encoder_decoder:
        return _padded([[*ids, END] for ids in read], written)
    rows = [one + other for one, other in zip(read, written, strict=True)]
    labels = [[LEFT_OUT] * len(one) + other for one, other in zip(read, written, strict=True)]
    return _padded(rows, labels)


def _padded(rows: list[list[int]], labels: list[list[int]]) -> dict[str, Any]:
    input_ids = _filled(rows, PAD)
    mask = _filled([[1] * len(row) for row in rows], 0)
    return {"input_ids": input_ids, "attention_mask": mask, "labels": _filled(labels, LEFT_OUT)}


def _filled(rows: list[list[int]], value: int) -> Any:
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def saved(network: Any, folder: Path) -> Path:
    """Write the network and its tokenizer as save_pretrained does."""
    network.save_pretrained(folder)
    ends = "</s>" if network.config.is_encoder_decoder else ""
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(ends),
        pad_token="<pad>",
        eos_token="</s>",
        bos_token="<s>",
        model_max_length=CONTEXT,
    ).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    saved(trained(network_of("bart"), first_sentence, 1600, 1e-3, 32), Path(sys.argv[1]))
