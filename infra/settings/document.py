"""Reads one of Pulumi's YAML files: every scalar as text, merges followed, duplicate keys recorded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from slipway.infra.errors import Refused


class StackFileError(Refused):
    """A file or an option that cannot be used; the message is for the user who wrote it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content. twice: keys that occur twice in one map, which the CLI refuses."""

    name: str
    values: dict[str, Any]
    twice: tuple[str, ...]

    def map_at(self, key: str, form: str) -> dict[str, Any]:
        """Return the map under `key`, empty if there is none. Raises StackFileError for another value."""
        found: Any = self.values.get(key) or {}
        if not isinstance(found, dict):
            raise StackFileError(f"{self.name}: `{key}` must be a map of `{form}`.")
        return cast("dict[str, Any]", found)


class _Loader(yaml.BaseLoader):
    """YAML with every scalar as text. `<<` merges a map into another, as the CLI's own library does."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.twice: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        own: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if key.value == "<<" and getattr(key, "style", "") is None:
                for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = {**self._map(base), **merged}
            else:
                own.append((key, value))
        keys = [str(key.value) for key, _ in own]
        self.twice += sorted({key for key in keys if keys.count(key) > 1} - set(self.twice))
        plain = yaml.MappingNode(node.tag, own, node.start_mark, node.end_mark)
        return {**merged, **super().construct_mapping(plain, deep)}

    def _map(self, node: yaml.Node) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "`<<` takes a map", node.start_mark)
        return self.construct_mapping(node, deep=True)


def _wrong(error: yaml.YAMLError) -> str:
    """Return where the first fault is and what it is: `, line 2, column 6: expected ',' or ']'`."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f": {' '.join(str(error).split())}"
    mark = error.problem_mark or error.context_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    said = ", ".join(filter(None, (error.context, error.problem)))
    return f"{place}: {' '.join(said.split())}"


def document(path: Path) -> Document:
    """Read a YAML file. Raises StackFileError if it cannot be read or is not a map."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        found = loader.get_single_data()
    except FileNotFoundError:
        raise StackFileError(f"There is no {path.name} in {path.parent}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{path.name} cannot be read: {error}.") from None
    except RecursionError:
        raise StackFileError(f"{path.name} is nested too deeply.") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path.name} is not valid YAML{_wrong(error)}.") from None
    if not isinstance(found or {}, dict):
        raise StackFileError(f"{path.name} must be a map of keys and values.")
    return Document(path.name, cast("dict[str, Any]", found or {}), tuple(loader.twice))
