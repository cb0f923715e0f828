"""Renders a chat as the model's template has it, in Jinja's sandbox and without Transformers.

What the template may use, and that control tokens in a message stay plain text, is as in Transformers 5,
utils/chat_template_utils.py.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from ..faults import BadModel
from ..folder import ModelFolder
from .generation import ChatRefused

TEMPLATE_FILE, CONFIG_FILE = "chat_template.jinja", "tokenizer_config.json"
# Around a control token that a message spells: of Unicode's private use, and dropped from messages.
START, END = "\U0010fff0", "\U0010fff1"
SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class JinjaTemplate:
    """chat_template.jinja, or the one in tokenizer_config.json."""

    def __init__(self, model: ModelFolder) -> None:
        """Read it. Raises BadModel."""
        config = _config(model.optional(CONFIG_FILE))
        source = _source(model.optional(TEMPLATE_FILE), config)
        self.is_there = source is not None
        if source is None:
            return
        self._template: Any = _compiled(model.path, source)
        self._special = {name: _content(config[name]) for name in SPECIAL if config.get(name)}
        self._tokenizer, self._plain = model.tokenizer(), model.tokenizer()
        for tokenizer in (self._tokenizer, self._plain):
            tokenizer.no_padding()
            tokenizer.no_truncation()
        self._plain.encode_special_tokens = True
        self._control = _control_tokens(self._tokenizer, source)

    def token_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the prompt's tokens. Raises ChatRefused."""
        try:
            marked = [{key: self._marked(value) for key, value in message.items()} for message in messages]
            chat: str = self._template.render(messages=marked, add_generation_prompt=True, **self._special)
            return self._encoded(chat)
        except ChatRefused:
            raise
        except Exception as error:  # a template raises what it likes
            raise ChatRefused(str(error).strip().partition("\n")[0][:300]) from None

    def _marked(self, text: str) -> str:
        text = text.replace(START, "").replace(END, "")
        return self._control.sub(f"{START}\\g<0>{END}", text) if self._control is not None else text

    def _encoded(self, chat: str) -> list[int]:
        ids: list[int] = []
        for number, piece in enumerate(re.split(f"{START}([^{START}{END}]*){END}|[{START}{END}]", chat)):
            if piece:
                ids += self._piece(piece, as_text=number % 2 == 1, is_first=not ids)
        return ids

    def _piece(self, piece: str, as_text: bool, is_first: bool) -> list[int]:
        tokenizer: Any = self._plain if as_text else self._tokenizer
        if is_first and not as_text:
            return tokenizer.encode(piece, add_special_tokens=False).ids
        # After a new line, as a tokenizer may put a space before what it takes for a text's beginning.
        line: list[int] = tokenizer.encode("\n", add_special_tokens=False).ids
        ids: list[int] = tokenizer.encode(f"\n{piece}", add_special_tokens=False).ids
        if ids[: len(line)] == line:
            ids = ids[len(line) :]
        else:
            ids = tokenizer.encode(piece, add_special_tokens=False).ids
        if as_text and tokenizer.token_to_id(piece) in ids:
            raise ChatRefused(f"{piece!r} cannot be a text: the tokenizer makes a control token of it")
        return ids


def _compiled(folder: Path, source: str) -> Any:
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise ChatRefused(str(message)[:300])

    def now(form: str) -> str:
        return datetime.now().astimezone().strftime(form)

    environment: Any = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    environment.globals |= {"raise_exception": refuse, "strftime_now": now}
    try:
        return environment.from_string(source)
    except jinja2.TemplateError as error:
        raise BadModel(f"the chat template of {folder} cannot be used: {str(error)[:300]}") from None


def _as_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _control_tokens(tokenizer: Tokenizer, source: str) -> "re.Pattern[str] | None":
    added: Any = tokenizer.get_added_tokens_decoder()
    names: set[str] = {
        token.content
        for token in added.values()
        if token.special or (token.content in source and not token.content.isspace())
    }
    longest_first = sorted(filter(None, names), key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _source(file: Path | None, config: Mapping[str, Any]) -> str | None:
    if file is not None:
        return file.read_text("utf-8")
    source: Any = config.get("chat_template")
    if isinstance(source, list):
        named = {each["name"]: each["template"] for each in cast("list[dict[str, str]]", source)}
        return named.get("default")
    return source


def _config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(f"{path} cannot be read: {str(error)[:200]}") from None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _content(token: Any) -> str:
    return str(cast("dict[str, Any]", token)["content"] if isinstance(token, dict) else token)
