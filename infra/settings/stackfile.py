"""Reads Pulumi.yaml and Pulumi.<stack>.yaml as the Pulumi CLI does, for commands that run without it.

Scalars stay the text they were written as. An encrypted value (`secure:`) stays unread: only the
engine's secrets provider can decrypt it, and what a Pulumi environment holds, only its service.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.settings.document import Document, StackFileError, document
from slipway.infra.settings.faults import SettingFault, SettingsError
from slipway.infra.settings.reading import Given, read
from slipway.stacks.settings.checks import is_reference
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.targets import row_of

# pulumi/pulumi, sdk/go/common/tokens: ValidateProjectName. Without a name there is none to check.
_PROJECT_NAME = re.compile(r"[A-Za-z0-9_.-]{0,100}")
# The namespaces of Pulumi itself and of the providers that a stack's program uses.
_OTHER_NAMESPACES = ("pulumi", "gcp", "aws", "kubernetes", "docker", "docker-build", "random")
# pulumi/pulumi, sdk/go/common/workspace: ProjectStack.
_PARTS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


def project_name(root: Path) -> str:
    """Return the project's name, which is part of a local stack's folder. Raises StackFileError."""
    return _name_of(document(root / "Pulumi.yaml"))


def _name_of(project: Document) -> str:
    name = str(project.values.get("name", ""))
    if not _PROJECT_NAME.fullmatch(name):
        raise StackFileError(
            f"Pulumi.yaml: name is {name!r}; Pulumi allows letters, digits, `-`, `_` and `.`, at most 100."
        )
    return name


def stack_names(root: Path) -> list[str]:
    """List the stacks that have a settings file in `root`, sorted."""
    names = [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")]
    return sorted(name for name in names if name)


def stack_config(root: Path, stack: str, overrides: Iterable[str] = ()) -> StackConfig:
    """Read a stack's configuration with `KEY=VALUE` overrides on top. Raises StackFileError.

    What the project's file sets or declares as a default applies if the stack's file leaves it out.
    """
    project_file, path = document(root / "Pulumi.yaml"), root / f"Pulumi.{stack}.yaml"
    project = _name_of(project_file)
    if not path.is_file():
        known = ", ".join(stack_names(root)) or "none"
        raise StackFileError(f"There is no stack {stack!r}: {path.name} is missing. Stacks here: {known}.")
    values: dict[str, str] = {}
    secret: set[str] = set()
    where: dict[str, str] = {}
    twice: list[tuple[str, str]] = []
    stack_file = document(path)
    _require_known_parts(stack_file)
    for file, given in ((project_file, _declared), (stack_file, _set)):
        for key, value in given(file, project):
            full = _full_key(project, key)
            if where.get(full) == file.name:
                twice.append((key, file.name))
            values[full], hidden = _text(value)
            where[full] = file.name
            secret = secret | {full} if hidden else secret - {full}
        twice += [(key, file.name) for key in file.twice]
    for key, text in _overrides(overrides):
        full = _full_key(project, key)
        values[full], where[full] = text, "--set"
        row = row_of(key)
        secret = secret | {full} if row and row.secret else secret - {full}
    return StackConfig(
        project, stack, values, frozenset(secret), where, tuple(twice), _environments(stack_file)
    )


def _require_known_parts(file: Document) -> None:
    """Raise StackFileError for a misspelt part, which Pulumi would ignore."""
    for name in file.values:
        near = difflib.get_close_matches(str(name), _PARTS, 1, 0.8)
        if name not in _PARTS and near:
            raise StackFileError(f"{file.name}: Pulumi reads no `{name}` there. Did you mean `{near[0]}`?")


def _overrides(overrides: Iterable[str]) -> Iterator[tuple[str, str]]:
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise StackFileError(f"--set got {override!r}; it takes KEY=VALUE, such as --set memory=4Gi.")
        yield key, text


def _declared(file: Document, project: str) -> Iterator[tuple[str, Any]]:
    """Yield what the project's file gives a value: `key: text`, `{value: …}`, or a non-empty default."""
    for key, entry in file.map_at("config", f"{project}:<key>: <value>").items():
        if not isinstance(entry, dict):
            yield key, entry
            continue
        fields = cast("dict[str, Any]", entry)
        for name in ("value", "default"):
            if fields.get(name) not in (None, "", [], {}):
                yield key, fields[name]
                break


def _set(file: Document, project: str) -> Iterator[tuple[str, Any]]:
    yield from file.map_at("config", f"{project}:<key>: <value>").items()


def _environments(file: Document) -> tuple[str, ...]:
    """Names of the Pulumi environments that the stack imports; `(inline)`: one written in the file."""
    found: Any = file.values.get("environment") or []
    if isinstance(found, dict):
        imports: Any = cast("dict[str, Any]", found).get("imports") or []
        return (*_names(imports), *(("(inline)",) if "values" in found else ()))
    return _names([found] if isinstance(found, str) else found)


def _names(imports: Any) -> tuple[str, ...]:
    entries = cast("list[Any]", imports) if isinstance(imports, list) else []
    return tuple(
        next(iter(cast("dict[str, Any]", each))) if isinstance(each, dict) else str(each) for each in entries
    )


def ciphers_of(root: Path, stack: str) -> dict[str, str]:
    """Return the encrypted texts of a stack file: `apiKey`, or `secrets.NAME` for one in a map -> text."""
    given = document(root / f"Pulumi.{stack}.yaml").map_at("config", "<project>:<key>: <value>")
    prefix = f"{project_name(root)}:"
    return dict(_ciphers({key.removeprefix(prefix): value for key, value in given.items()}, ""))


def encryption_of(root: Path, stack: str) -> tuple[str, ...]:
    """Return what a stack file's encrypted texts are made with: provider, key and salt."""
    values = document(root / f"Pulumi.{stack}.yaml").values
    return tuple(str(values.get(part, "")) for part in ("secretsprovider", "encryptedkey", "encryptionsalt"))


def _ciphers(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            if fields.keys() == {"secure"}:
                yield f"{prefix}{key}", str(fields["secure"])
            else:
                yield from _ciphers(fields, f"{prefix}{key}.")


def settings_from(config: StackConfig) -> Settings:
    """Check the settings of a stack's configuration. Raises SettingsError with all faults at once."""
    settings, faults = read(given_by(config))
    if faults or settings is None:
        raise SettingsError(config.stack, faults)
    return settings


def given_by(config: StackConfig) -> Given:
    """Return the configuration's values by the keys of settings."""
    prefix = f"{config.project}:"
    own = {key.removeprefix(prefix): value for key, value in config.values.items() if key.startswith(prefix)}
    where = {key.removeprefix(prefix): file for key, file in config.where.items()}
    hidden = {key.removeprefix(prefix) for key in config.secret_keys}
    in_clear = [
        name
        for key, value in own.items()
        if value
        for name in _in_clear(key, value, key in hidden, bool(where))
    ]
    faults = [*_twice(config), *_namespaces(config)]
    given = {key: value for key, value in own.items() if value != ENCRYPTED}
    return Given(config.stack, given, where, tuple(in_clear), tuple(faults))


def _twice(config: StackConfig) -> Iterator[SettingFault]:
    for key, file in config.twice:
        short = key.removeprefix(f"{config.project}:")
        yield SettingFault(short, "two values", "keep one", file)


def _namespaces(config: StackConfig) -> Iterator[SettingFault]:
    """Refuse keys of an unknown namespace, which would otherwise be ignored silently."""
    for key in config.values:
        namespace, _, name = key.partition(":")
        if namespace in (config.project, *_OTHER_NAMESPACES):
            continue
        hint = f"{config.project}:{name}" if row_of(name) else ""
        allowed = f"a key's namespace is the project's name, {config.project!r}, or a provider's"
        yield SettingFault(key, f"the namespace {namespace!r}", allowed, config.where.get(key, ""), hint)


def values_of_secrets(text: str) -> dict[str, str]:
    """Read `secrets` without its references: environment name -> value, or ENCRYPTED."""
    try:
        found: Any = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    entries = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: str(value) for name, value in entries.items() if not is_reference(str(value))}


def _in_clear(key: str, value: str, hidden: bool, from_file: bool) -> list[str]:
    """List a secret setting's unencrypted values. The engine hides a whole map, a file each value."""
    row = row_of(key)
    if row is None:
        return []
    if row.type == "secret map" and (from_file or not hidden):
        return [f"{key}.{name}" for name, part in values_of_secrets(value).items() if part != ENCRYPTED]
    return [key] if row.secret and not hidden else []


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> tuple[str, bool]:
    """Convert a value to the text that the engine passes to the program, and whether it contains a secret."""
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
