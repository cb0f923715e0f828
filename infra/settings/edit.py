"""Changes one setting in a stack's file, and leaves every other line of it as it is."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from slipway.infra.errors import Refused
from slipway.infra.settings.document import document
from slipway.infra.settings.stackfile import project_name


def set_setting(root: Path, stack: str, key: str, value: str) -> None:
    """Write a setting into `Pulumi.<stack>.yaml`, whole or not at all.

    Raises Refused for a file that is written in an unusual form, with the command that changes it.
    """
    path, full = root / f"Pulumi.{stack}.yaml", f"{project_name(root)}:{key}"
    before = path.read_text(encoding="utf-8")
    after = _changed(before, full, value)
    if not _differs_in(full, value, document(path).values, after):
        raise Refused(
            f"{path.name} is not in the form that Pulumi writes, so it was left as it is. Set it yourself: "
            f"`pulumi config set {key} '{value}' --stack {stack}`."
        )
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(after, encoding="utf-8")
    fresh.chmod(path.stat().st_mode & 0o7777)
    os.replace(fresh, path)


def _changed(text: str, full: str, value: str) -> str:
    """Replace the setting's line, or add one below `config:`, or both at the end of the file."""
    line = re.compile(rf"^(?P<indent>[ ]+)(?P<key>([\"']?){re.escape(full)}\3):[^\n]*$", re.MULTILINE)
    if line.search(text):
        return line.sub(lambda found: f'{found["indent"]}{found["key"]}: "{value}"', text, count=1)
    config = re.compile(r"^config:[ ]*(#[^\n]*)?\n(?P<indent>[ ]*)", re.MULTILINE)
    if found := config.search(text):
        head, rest = text[: found.start("indent")], text[found.start("indent") :]
        return f'{head}{found["indent"] or "  "}{full}: "{value}"\n{rest}'
    return f'{text.rstrip()}\nconfig:\n  {full}: "{value}"\n'.lstrip()


def _differs_in(full: str, value: str, before: dict[str, Any], text: str) -> bool:
    """Return whether the new text says what the old one said, apart from this setting."""
    try:
        after: Any = yaml.load(text, yaml.BaseLoader)  # noqa: S506 every scalar is a string
    except yaml.YAMLError:
        return False
    config: dict[str, Any] = before.get("config") or {}
    return bool(after == {**before, "config": {**config, full: value}})
