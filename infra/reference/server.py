"""Renders the references of the server's HTTP API and metrics from what the server says of itself.

The server is another program: it is run, and not imported. Without a model it describes every task.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_HTTP = """# The HTTP API

The server's own description, generated from it by `make reference`. A running service also has it for its own model: as a
page at `/docs`, and for programs as OpenAPI at `/openapi.json`. A page at `/` tries the model by hand.

A model's `task` decides which routes it has: [`classify`](#classify), [`embed`](#embed), [`generate`](#generate),
[`summarize`](#summarize) or [`tabular`](#tabular). They need the header `Authorization: Bearer <key>`, and
`Content-Type: application/json`. [Add a task](../guides/add-a-task.md) shows how to add another.

## Call it from a program

The key is printed by `slipway output apiKey --show-secrets`, or for a stack in a cloud by `slipway output apiKey
--stack prod --show-secrets`. From Python, with the standard library:

```python
import json
import urllib.error
import urllib.request


def predict(url: str, key: str, text: str) -> dict:
    request = urllib.request.Request(
        f"{url}/predict",
        json.dumps({"text": text}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        problem = json.load(error)  # type, title, status, detail
        raise RuntimeError(f"{problem['status']} {problem['title']}: {problem['detail']}") from None
```

Send `X-Request-ID` to find the request in the log; the answer has it too. OpenAI's own clients work unchanged against `/v1`:
`OpenAI(base_url=f"{url}/v1", api_key=key)`.

## Errors

An error is a problem of RFC 9457: `application/problem+json` with `type`, `title`, `status` and `detail`; 422 also lists the
faults of the body as `errors`, each with a JSON pointer. `type` is `urn:slipway:problem:<cause>` and stable, so a program
should compare it, not the text. 429 and 503 carry `Retry-After`, in seconds. [The server under
load](../guides/server.md#limits) lists the limit behind each cause, and [troubleshooting](../troubleshooting.md#the-service-answers-with-an-error)
what to do.

"""
_METRICS = """# Metrics

Every series of the server's page for Prometheus, generated from the server by `make reference`. The page is `/metrics` on
port 9464, without a key; [the server under load](../guides/server.md#metrics) shows how to scrape it on each target, the variables that
move it, and queries.

A histogram has three series: `_bucket`, `_sum` and `_count`. Next to these the page has Prometheus' own `process_…` series.
"""
# The routes that the document leaves out, because they are for people and probes of one server.
_OTHER_ROUTES = """
| route | key | what |
|---|---|---|
| `GET /alive` | no | 200 while the process answers: the liveness probe |
| `GET /ready` | no | 200 once the model is loaded and until the server drains, otherwise 503: the readiness probe |
| `GET /health` | no | model and version, task, device, state and revision of the build |
| `GET /docs`, `GET /openapi.json` | no | the reference of this service |
| `GET /` | no | a page to try the model, which asks for the key; the link that `slipway up` prints opens it without |
| `GET /quality` | yes | what the model predicts and its drift: [quality](../guides/server.md#quality) |
| `POST /feedback` | yes | the true label of a prediction: `{"request_id": "…", "label": "spam"}`, with `index` for one of a list |
| `GET /live` | yes | the last five minutes, for the page's live view |
| `GET /metrics` | no | on a port of its own: [metrics](metrics.md) |

## Schemas

A field without "required" may be left out.
"""


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
    lines = [_HTTP + "\n".join(_causes())]
    for task, document in documents.items():
        lines += [f"\n## {task}\n"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if "model" in operation["tags"]:
                    lines += _operation(method, path, operation)
        for name, schema in document["components"]["schemas"].items():
            schemas.setdefault(name, schema)
    lines += ["\n## Routes of every service", _OTHER_ROUTES]
    for name, schema in sorted(schemas.items()):
        lines += _schema(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def metrics_page() -> str:
    """Render every metric with its type, labels and meaning."""
    rows = [
        f"| `{one['name']}` | {one['type']} | {', '.join(f'`{label}`' for label in one['labels'])} | {one['help']} |"
        for one in described()["metrics"]
    ]
    return (
        "\n".join([_METRICS, "| metric | type | labels | what it shows |", "|---|---|---|---|", *rows]) + "\n"
    )


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
