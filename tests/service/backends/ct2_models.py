"""Folders of small models of CTranslate2 with random weights, made without torch."""

import json
from pathlib import Path
from typing import Any

from bench.writers.random_models import write_llama, write_t5
from slipway.service.folder import ModelFolder
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.service.backends.model_folders import write_manifest
from tests.service.tasks.byte_tokenizer import byte_tokenizer

CONTEXT = 256
PREFIX = "summarize: "
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'tool' %}"
    "{{ raise_exception('no tools here') }}{% endif %}"
    "<|turn|>{{ message.role }}: {{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant: {% endif %}"
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def tokens() -> list[str]:
    """Return the vocabulary of the byte tokenizer, by id."""
    vocabulary: dict[str, int] = byte_tokenizer().get_vocab()
    return sorted(vocabulary, key=lambda token: vocabulary[token])


def t5(folder: Path, generation: dict[str, Any] | None = None, seed: int = 1, **manifest: Any) -> Path:
    """Write a T5 with its manifest. generation: of generation_config.json."""
    write_t5(folder, tokens(), seed=seed)
    byte_tokenizer(ends_with="</s>").save(str(folder / "tokenizer.json"))
    given = {"task": "summarize", "prefix": PREFIX, "max_new_tokens": 40}
    return _served(folder, generation, given | manifest)


def llama(
    folder: Path,
    generation: dict[str, Any] | None = None,
    seed: int = 1,
    letters_only: bool = False,
    chat_template: str | None = CHAT_TEMPLATE,
    **manifest: Any,
) -> Path:
    """Write a Llama with its manifest. letters_only: it writes a to z and never ends, a letter a token."""
    write_llama(folder, tokens(), seed=seed)
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    said = dict(generation or {})
    if letters_only:
        letters = set(byte_tokenizer().encode(LETTERS).ids)
        said["suppress_tokens"] = [token for token in range(len(tokens())) if token not in letters]
    config: dict[str, Any] = {"bos_token": "<s>", "eos_token": {"content": "</s>"}}
    if chat_template is not None:
        config["chat_template"] = chat_template
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return _served(folder, said, {"task": "generate"} | manifest)


def _served(folder: Path, generation: dict[str, Any] | None, manifest: dict[str, Any]) -> Path:
    if generation:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    given: dict[str, Any] = {"name": "tiny", "engine": "ctranslate2", "precision": "int8"}
    write_manifest(folder, **given | {"max_tokens": CONTEXT} | manifest)
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    del content["labels"]  # of the classifier that write_manifest is for
    path.write_text(json.dumps(content))
    return folder


def opened(folder: Path) -> ModelFolder:
    return ModelFolder(folder, Manifest.read(folder, TASKS), "cpu")
