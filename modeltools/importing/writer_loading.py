"""A fetched model that writes text, in torch: its network in float32 and its tokenizer.json.

Nothing of the repository is run: no remote code, no pickle, no download from here on.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedTokenizerFast

from slipway.service.faults import BadModel
from slipway.service.manifest import TOKENIZER_FILE

from .loading import first_line, require_rows, save_tokenizer
from .writer import Writer

TOKENIZER_CONFIG, GENERATION_CONFIG = "tokenizer_config.json", "generation_config.json"
# Copied as they are, where the model has them.
_KEPT = (GENERATION_CONFIG, TOKENIZER_CONFIG, "chat_template.jinja")
UNUSED = "<unused {}>"
"""What the engine calls a token that the network has a row for and the tokenizer no name."""

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


@dataclass(frozen=True)
class LoadedWriter:
    """network: in float32, ready to compute. tokenizer: Transformers' own, around `plain`, tokenizer.json."""

    network: Any
    tokenizer: Any
    plain: Any

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.network.parameters())

    @property
    def rows(self) -> int:
        """Return how many tokens the network knows."""
        return int(self.network.get_input_embeddings().weight.shape[0])


def load_writer(folder: Path, made: Path, place: str, head: Writer) -> LoadedWriter:
    """Load the model, and write the files about its texts into `made`. Raises BadModel if it is not whole."""
    network = _network(folder, place, head)
    if (folder / TOKENIZER_FILE).is_file():
        plain: Any = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        plain.no_padding()
        plain.no_truncation()
        plain.save(str(made / TOKENIZER_FILE))
    else:
        _from_other_forms(folder, made, place)
    for name in _KEPT:
        if (folder / name).is_file() and not (made / name).exists():
            (made / name).write_bytes((folder / name).read_bytes())
    if not (made / GENERATION_CONFIG).exists():  # older models say it in config.json
        network.generation_config.save_pretrained(made)
    tokenizer = _tokenizer(made, place)
    require_rows(network, tokenizer, place)
    return LoadedWriter(network, tokenizer, tokenizers.Tokenizer.from_file(str(made / TOKENIZER_FILE)))


def _network(folder: Path, place: str, head: Writer) -> Any:
    loader = AutoModelForSeq2SeqLM if head.task == "summarize" else AutoModelForCausalLM
    try:
        network, report = loader.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    except Exception as error:  # transformers, safetensors and torch each raise their own
        raise BadModel(
            f"{place}: transformers {transformers.__version__} cannot load it as {head.architecture}: "
            f"{first_line(error)}."
        ) from None
    if missing := sorted(report["missing_keys"]):
        raise BadModel(
            f"{place}: the weights lack {', '.join(missing[:5])}, without which the model would answer at "
            "random. Choose another commit."
        )
    return network.eval()


def _from_other_forms(folder: Path, made: Path, place: str) -> None:
    """Make tokenizer.json of a SentencePiece file, or of a vocabulary with merges."""
    try:
        slow: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        save_tokenizer(slow, made / TOKENIZER_FILE)
    except Exception as error:  # each converter raises its own
        raise BadModel(
            f"{place}: transformers {transformers.__version__} cannot make a tokenizer.json of its "
            f"tokenizer: {first_line(error)}. Choose a model that has a tokenizer.json."
        ) from None
    if not (folder / TOKENIZER_CONFIG).is_file():
        special = {
            name: str(token) for name, token in slow.special_tokens_map.items() if isinstance(token, str)
        }
        (made / TOKENIZER_CONFIG).write_text(json.dumps(special, indent=2) + "\n", encoding="utf-8")


def _tokenizer(made: Path, place: str) -> Any:
    """Return Transformers' tokenizer around tokenizer.json, with the special tokens of its configuration."""
    try:
        config = (
            json.loads((made / TOKENIZER_CONFIG).read_bytes()) if (made / TOKENIZER_CONFIG).exists() else {}
        )
        named = {
            name: _content(config.get(name)) for name in ("bos_token", "eos_token", "unk_token", "pad_token")
        }
        return PreTrainedTokenizerFast(
            tokenizer_file=str(made / TOKENIZER_FILE), **{key: text for key, text in named.items() if text}
        )
    except Exception as error:  # wrong JSON and unknown tokens have classes of their own
        raise BadModel(f"{place}: its tokenizer cannot be loaded: {first_line(error)}.") from None


def _content(token: Any) -> str | None:
    """Return a special token's text: Transformers writes a string, or an object with `content`."""
    found = cast("dict[str, Any]", token).get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None
