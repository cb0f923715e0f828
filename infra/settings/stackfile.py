"""Reads Pulumi.yaml and Pulumi.<stack>.yaml as the Pulumi CLI does, for the ways that run without it.

Scalars stay the text they were written as. An encrypted value (`secure:`) stays unread: only the
engine's secrets provider can decrypt it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from slipway.infra.errors import Refused
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.settings.checked import Settings, settings_of
from slipway.infra.settings.common import BY_KEY
from slipway.infra.settings.values import is_reference

# pulumi/pulumi, sdk/go/common/tokens: ValidateProjectName. Without a name there is none to check.
_PROJECT_NAME = re.compile(r"[A-Za-z0-9_.-]{0,100}")


class StackFileError(Refused):
    """A file or an option that cannot be used, in words for the person who wrote it."""


class _Loader(yaml.BaseLoader):
    """YAML with every scalar as text, refusing a key that stands twice, as the CLI does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def project_name(root: Path) -> str:
    """Return the project's name, which is part of a local stack's folder. Raises StackFileError."""
    name = str(_document(root / "Pulumi.yaml").get("name", ""))
    if not _PROJECT_NAME.fullmatch(name):
        raise StackFileError(
            f"Pulumi.yaml: name is {name!r}; Pulumi allows letters, digits, `-`, `_` and `.`, at most 100."
        )
    return name


def stack_names(root: Path) -> list[str]:
    """The stacks that have a settings file in `root`, sorted."""
    names = [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")]
    return sorted(name for name in names if name)


def stack_config(root: Path, stack: str, overrides: Iterable[str] = ()) -> StackConfig:
    """The stack's configuration with `KEY=VALUE` overrides on top. Raises StackFileError."""
    project = project_name(root)
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(stack_names(root)) or "none"
        raise StackFileError(f"There is no stack {stack!r}: {path.name} is missing. Stacks here: {known}.")
    given: dict[str, Any] = _document(path).get("config") or {}
    if not isinstance(given, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  it comes from a file
        raise StackFileError(f"{path.name}: `config` must be a map of `{project}:<key>: <value>`.")
    values: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in given.items():
        full = _full_key(project, key)
        values[full], hidden = _text(value)
        if hidden:
            secret.add(full)
    where = dict.fromkeys(values, path.name)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise StackFileError(f"--set got {override!r}; it takes KEY=VALUE, such as --set memory=4Gi.")
        full = _full_key(project, key)
        values[full] = text
        where[full] = "--set"
        row = BY_KEY.get(key)
        secret = secret | {full} if row and row.secret else secret - {full}
    return StackConfig(project, stack, values, frozenset(secret), where)


def ciphers_of(root: Path, stack: str) -> dict[str, str]:
    """The encrypted texts of a stack file: `apiKey`, or `secrets.NAME` for one within a map -> text."""
    given: dict[str, Any] = _document(root / f"Pulumi.{stack}.yaml").get("config") or {}
    prefix = f"{project_name(root)}:"
    return dict(_ciphers({key.removeprefix(prefix): value for key, value in given.items()}, ""))


def _ciphers(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            if fields.keys() == {"secure"}:
                yield f"{prefix}{key}", str(fields["secure"])
            else:
                yield from _ciphers(fields, f"{prefix}{key}.")


def settings_from(config: StackConfig) -> Settings:
    """The checked settings of a stack's configuration. Raises SettingsError with every fault at once."""
    prefix = f"{config.project}:"
    own = {key.removeprefix(prefix): value for key, value in config.values.items() if key.startswith(prefix)}
    where = {key.removeprefix(prefix): file for key, file in config.where.items()}
    hidden = {key.removeprefix(prefix) for key in config.secret_keys}
    in_clear = [
        name
        for key, value in own.items()
        if value and key in BY_KEY
        for name in _in_clear(key, value, key in hidden, bool(where))
    ]
    given = {key: value for key, value in own.items() if value != ENCRYPTED}
    return settings_of(config.stack, given, where, in_clear)


def values_of_secrets(text: str) -> dict[str, str]:
    """Of the `secrets` setting what is no reference: environment name -> value, or ENCRYPTED."""
    try:
        found: Any = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    entries = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: str(value) for name, value in entries.items() if not is_reference(str(value))}


def _in_clear(key: str, value: str, hidden: bool, from_file: bool) -> list[str]:
    """What of a secret setting stands unencrypted. The engine hides a whole map, a file each value of it."""
    if BY_KEY[key].type == "secret map" and (from_file or not hidden):
        return [f"{key}.{name}" for name, part in values_of_secrets(value).items() if part != ENCRYPTED]
    return [key] if BY_KEY[key].secret and not hidden else []


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> tuple[str, bool]:
    """A value as the engine hands it to the program, and whether there is a secret in it."""
    if isinstance(value, str):
        return value, False
    plain, hidden = _without_ciphers(value)
    return (plain, hidden) if isinstance(plain, str) else (json.dumps(plain), hidden)


def _without_ciphers(value: Any) -> tuple[Any, bool]:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if fields.keys() == {"secure"}:
            return ENCRYPTED, True
        parts = {name: _without_ciphers(part) for name, part in fields.items()}
        return {name: plain for name, (plain, _) in parts.items()}, any(
            hidden for _, hidden in parts.values()
        )
    if isinstance(value, list):
        items = [_without_ciphers(item) for item in cast("list[Any]", value)]
        return [plain for plain, _ in items], any(hidden for _, hidden in items)
    return value, False


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 makes only text
    except FileNotFoundError:
        raise StackFileError(f"There is no {path.name} in {path.parent}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{path.name} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(document or {}, dict):
        raise StackFileError(f"{path.name} must be a map of keys and values.")
    return document or {}
