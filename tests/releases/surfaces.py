"""What users of a release rely on, as lines of text: `<where> <name>: <what holds of it>`."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import typer.main

from slipway.infra.cli.app import app
from slipway.infra.reference.components import COMPONENTS, arguments_of, outputs_of
from slipway.service.settings import Settings
from slipway.stacks.settings.targets import SETTINGS
from tests.releases.server import metrics, routes


def surfaces() -> Mapping[str, str]:
    """Name of a file -> its text, of everything that does not need a plan."""
    return {f"{name}.txt": "".join(f"{line}\n" for line in lines()) for name, lines in _SURFACES.items()}


def _command_line() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    yield from _parameters("slipway", group)
    yield from _commands("slipway", group)


def _commands(path: str, group: Any) -> Iterator[str]:
    for name, command in sorted(cast("dict[str, Any]", group.commands).items()):
        yield f"{path} {name}: {'commands' if hasattr(command, 'commands') else 'command'}"
        yield from _parameters(f"{path} {name}", command)
        if hasattr(command, "commands"):
            yield from _commands(f"{path} {name}", command)


def _parameters(path: str, command: Any) -> Iterator[str]:
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name.upper()]
        facts = [_kind_of(parameter), *(["required"] if parameter.required else [])]
        facts += ["several"] if parameter.multiple or parameter.nargs == -1 else []
        default = getattr(parameter.default, "value", parameter.default)
        facts += [f"default {default}"] if default not in (None, False, "", (), []) else []
        for name in names:
            yield f"{path} {name}: {', '.join(facts)}"


def _kind_of(parameter: Any) -> str:
    annotation: Any = parameter.type_descriptor.annotation if parameter.type_descriptor else str
    values = [str(each.value) for each in getattr(annotation, "__members__", {}).values()]
    if values:
        return f"one of {' '.join(values)}"
    return (
        "flag" if getattr(parameter, "is_flag", False) else str(getattr(annotation, "__name__", annotation))
    )


def _components() -> Iterator[str]:
    for path, name in COMPONENTS.items():
        yield f"slipway.{path} {name}: component"
        yield from (f"{name} argument {field.name}: {field.kind}" for field in arguments_of(name))
        yield from (f"{name} output {field.name}: {field.kind}" for field in outputs_of(name))


def _settings() -> Iterator[str]:
    for target, settings in SETTINGS.items():
        for row in settings.rows():
            facts = [row.type, *([row.unit] if row.unit else []), *(["required"] if row.required else [])]
            facts += [row.allowed] if row.type in ("number", "integer", "quantity") else []
            facts += [f"default {row.default}"] if row.default else []
            yield f"{target} {row.key}: {', '.join(facts)}"
            values = row.allowed.split(", ") if row.type == "choice" else ()
            yield from (f"{target} {row.key} {value}: choice" for value in values)


def _environment() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        kind = re.sub(r"\b[\w.]+\.(?=\w)", "", inspect.formatannotation(field.annotation))
        plain = isinstance(field.default, str | int | float) and field.default != ""
        default = ", required" if field.is_required() else f", default {field.default}" if plain else ""
        bounds = "".join(
            f", {each!r}" for each in field.metadata if type(each).__module__ == "annotated_types"
        )
        yield f"server {name.upper()}: {kind}{bounds}{default}"


_SURFACES: Mapping[str, Callable[[], Iterator[str]]] = {
    "command-line": _command_line,
    "components": _components,
    "settings": _settings,
    "server-environment": _environment,
    "metrics": metrics,
    "http-api": routes,
}
