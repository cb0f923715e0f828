"""Flattens an OpenAPI document into lines: each route, each field of a request and of an answer."""

from collections.abc import Iterator, Mapping
from typing import Any

_SCHEMAS = "#/components/schemas/"
# What narrows a value, in the words of JSON Schema.
_BOUNDS = ("enum", "const", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default")


def lines_of(document: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield a line for each fact that a client may rely on, with `prefix` before it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from _operation(f"{prefix} {method.upper()} {path}", operation, document)


def _operation(head: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{head}: {'with the key' if operation.get('security') else 'open'}"
    content = operation.get("requestBody", {}).get("content", {})
    yield from _content(f"{head} request", content, document)
    for status, answer in operation["responses"].items():
        yield f"{head} {status}: {', '.join(answer.get('content', {})) or 'no body'}"
        if status == "200":
            yield from _content(f"{head} answer", answer.get("content", {}), document)


def _content(head: str, content: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    schema = content.get("application/json", {}).get("schema")
    if schema is not None:
        yield from _fields(head, schema, document, ())


def _fields(
    head: str, schema: Mapping[str, Any], document: Mapping[str, Any], seen: tuple[str, ...]
) -> Iterator[str]:
    """Yield the fields below a schema. seen: the schemas around it, which a recursive one would repeat."""
    name = schema.get("$ref", "").removeprefix(_SCHEMAS)
    if name in seen:
        return
    if name:
        yield from _fields(head, document["components"]["schemas"][name], document, (*seen, name))
    for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _fields(head, alternative, document, seen)
    if items := schema.get("items"):
        yield from _fields(f"{head}[]", items, document, seen)
    required = schema.get("required", ())
    for field, described in schema.get("properties", {}).items():
        more = ", required" if field in required else ""
        yield f"{head}.{field}: {_kind(described)}{more}"
        yield from _fields(f"{head}.{field}", described, document, seen)


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].removeprefix(_SCHEMAS)
    alternatives = (*schema.get("oneOf", ()), *schema.get("anyOf", ()))
    if alternatives:
        return " or ".join(_kind(each) for each in alternatives)
    kind = str(schema.get("type", "any"))
    if items := schema.get("items"):
        kind = f"array of {_kind(items)}"
    bounds = [f"{name} {schema[name]}" for name in _BOUNDS if name in schema]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind
