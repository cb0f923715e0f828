"""Small models that write text, as `save_pretrained` leaves them, their weights random. Needs torch."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.service.backends.model_folders import write_manifest
from tests.service.tasks.byte_tokenizer import VOCABULARY, byte_tokenizer

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'tool' %}"
    "{{ raise_exception('no tools here') }}{% endif %}"
    "<|turn|>{{ message.role }}: {{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant: {% endif %}"
)
CONTEXT = 256
PREFIX = "summarize: "


def saved_tokenizer(folder: Path, ends_with: str = "", chat_template: str | None = None) -> None:
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(ends_with), pad_token="<pad>", eos_token="</s>", bos_token="<s>"
    )
    fast.chat_template = chat_template
    fast.save_pretrained(folder)


def widened(network: Any, factor: float) -> Any:
    """Weights wide enough that another text gets another answer."""
    with torch.no_grad():
        for weights in network.parameters():
            if weights.dim() > 1:
                weights.mul_(factor)
    return network.eval()


def tiny_t5(folder: Path, seed: int = 1) -> Any:
    """Write a T5 into the folder and return the network. Its head is separate, as flan-t5's is.

    Transformers ties the head of a T5 it makes, and leaves one as it is that lies in the file.
    """
    torch.manual_seed(seed)
    config = transformers.T5Config(
        vocab_size=VOCABULARY,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    network: Any = transformers.T5ForConditionalGeneration(config)
    network.lm_head.weight = torch.nn.Parameter(torch.randn_like(network.lm_head.weight))
    network.config.scale_decoder_outputs = False
    widened(network, 3).save_pretrained(folder)
    saved_tokenizer(folder, ends_with="</s>")
    as_flan_t5_says(folder / "config.json")
    return network


def as_flan_t5_says(config: Path) -> None:
    said = json.loads(config.read_text())
    config.write_text(json.dumps(said | {"tie_word_embeddings": False}))


def tiny_llama(
    folder: Path, chat_template: str | None = CHAT_TEMPLATE, seed: int = 1, letters_only: bool = False
) -> Any:
    """letters_only: it writes a to z and never ends, so that each token is one letter of the answer."""
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=2,
        eos_token_id=1,
        pad_token_id=0,
    )
    network = widened(transformers.LlamaForCausalLM(config), 3)
    if letters_only:
        letters = set(byte_tokenizer().encode("abcdefghijklmnopqrstuvwxyz").ids)
        network.generation_config.suppress_tokens = [n for n in range(VOCABULARY) if n not in letters]
    network.save_pretrained(folder)
    saved_tokenizer(folder, chat_template=chat_template)
    return network


def tiny_gpt2(folder: Path) -> Any:
    torch.manual_seed(2)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=CONTEXT,
        bos_token_id=2,
        eos_token_id=1,
    )
    network = widened(transformers.GPT2LMHeadModel(config), 3)
    network.save_pretrained(folder)
    saved_tokenizer(folder)
    return network


def served(folder: Path, task: str, **manifest: Any) -> Path:
    """With a manifest of the files that are there."""
    defaults: dict[str, Any] = {
        "name": f"tiny-{task}",
        "task": task,
        "engine": "torch",
        "max_tokens": CONTEXT,
        "labels": [],
    }
    write_manifest(folder, **defaults | manifest)
    return folder


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))
