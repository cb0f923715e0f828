"""Renders the references of the server's HTTP API and metrics, from what the server says of itself.

The server is another program: it is run, and not imported. Without a model it describes every task.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_PROSE = Path(__file__).parent / "prose"


@cache
def described() -> Mapping[str, Any]:
    """Return what the server says of itself, whatever is set in this environment."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "slipway.service.description"],
        env={**environment, "MODEL_API_KEY": "a-key-of-16-letters"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def http_page() -> str:
    """Render the routes of each task, the other routes, the causes of errors and the schemas."""
    documents: Mapping[str, Any] = described()["documents"]
    schemas: dict[str, Any] = {}
    tasks: list[str] = []
    for task, document in documents.items():
        tasks.append(f"## {task}\n")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if "model" in operation["tags"]:
                    tasks += _operation(method, path, operation)
        for name, schema in document["components"]["schemas"].items():
            schemas.setdefault(name, schema)
    shapes = [line for name, schema in sorted(schemas.items()) for line in _schema(name, schema)]
    return _filled("http-api.md", causes=_causes(), tasks=tasks, schemas=shapes)


def metrics_page() -> str:
    """Render every metric with its type, labels and meaning."""
    rows = ["| metric | type | labels | what it shows |", "|---|---|---|---|"]
    for one in described()["metrics"]:
        labels = ", ".join(f"`{label}`" for label in one["labels"])
        rows.append(f"| `{one['name']}` | {one['type']} | {labels} | {one['help']} |")
    return _filled("metrics.md", metrics=rows)


def _filled(name: str, **parts: Iterable[str]) -> str:
    """Return the page's prose, which a person wrote, with each `{part}` in its place."""
    text = (_PROSE / name).read_text()
    for part, lines in parts.items():
        text = text.replace(f"{{{part}}}", "\n".join(lines).rstrip())
    return text


def _causes() -> Iterator[str]:
    yield "| status | cause | title |"
    yield "|---|---|---|"
    for cause in sorted(described()["causes"], key=lambda one: (one["status"], one["cause"])):
        yield f"| {cause['status']} | `{cause['cause']}` | {cause['title']} |"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"`{method.upper()} {path}` — {operation['summary']}.\n"
    body = operation["requestBody"]["content"]["application/json"]
    answers = operation["responses"]["200"]["content"]["application/json"]
    answer_schema = answers["schema"]
    names = " or ".join(_kind(one) for one in answer_schema.get("oneOf", [answer_schema]))
    yield f"Takes {_kind(body['schema'])}; answers {names}.\n"
    [request, *_] = body["examples"].values()
    [answer, *_] = answers["examples"].values()
    yield f"```json\n{json.dumps(request['value'], ensure_ascii=False)}\n```\n"
    yield f"```json\n{json.dumps(_same_each_time(answer['value']), ensure_ascii=False)}\n```\n"
    if "text/event-stream" in operation["responses"]["200"]["content"]:
        yield 'With `"stream": true` the answer comes as server-sent events.\n'


def _same_each_time(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Fix what differs from one answer to the next: its id, and its time in seconds since 1970."""
    fixed = {"id": f"{str(answer.get('id')).partition('-')[0]}-481d6ef098be49b4", "created": 1796021223}
    return {name: fixed.get(name, value) for name, value in answer.items()}


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if text := schema.get("description"):
        yield f"{_line(text)}\n"
    fields: Mapping[str, Any] = schema.get("properties", {})
    if not fields:
        yield f"{_kind(schema)}\n"
        return
    yield "| field | type | what |"
    yield "|---|---|---|"
    for field, described_ in fields.items():
        required = " (required)" if field in schema.get("required", []) else ""
        yield f"| `{field}` | {_kind(described_)}{required} | {_line(described_.get('description', ''))} |"
    yield ""


def _kind(schema: Mapping[str, Any]) -> str:
    """Name a schema's type in words, with the limits of what it takes."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[choice]))
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = schema.get("type", "any value")
    if kind == "array":
        items = _kind(schema["items"]) if "items" in schema else "values"
        return f"list of {items}"
    low, high = schema.get("minimum"), schema.get("maximum")
    span = f" {low:g} to {high:g}" if low is not None and high is not None else ""
    return f"{kind}{span}"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
