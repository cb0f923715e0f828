"""The schemas of kinds of KEDA, its HTTP add-on and CloudNativePG: what an API server with them takes.

The files in keda/ and cloudnativepg/ are copied from the definitions that they name as their source, by the
KEDA authors and the contributors to CloudNativePG under the Apache License 2.0. Descriptions and the status
are left out, of TriggerAuthentication all but the identity and references to Secrets, and of Cluster what no
service here has.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FOLDERS = [Path(__file__).parent / name for name in ("keda", "cloudnativepg")]


@cache
def extension_kinds() -> Mapping[str, Mapping[str, Any]]:
    """Return each kind with its group, version, plural and schema."""
    found = [json.loads(path.read_text()) for folder in _FOLDERS for path in sorted(folder.glob("*.json"))]
    return {each["kind"]: each for each in found}


def extension_faults(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """List what the schemas refuse, including unknown fields and other versions."""
    return [
        f"{body['kind']}: {error.message}"
        for body in objects
        if body["kind"] in extension_kinds()
        for error in _validator(body["kind"]).iter_errors(dict(body))  # pyright: ignore[reportUnknownMemberType]
    ]


@cache
def _validator(kind: str) -> Draft202012Validator:
    row = extension_kinds()[kind]
    schema = _strict(row["openAPIV3Schema"])
    schema["properties"]["apiVersion"] = {"const": f"{row['group']}/{row['version']}"}
    schema["properties"]["metadata"] = {"type": "object"}
    return Draft202012Validator(schema)


def _strict(schema: Any) -> Any:
    """Refuse fields that are not named, as an API server does with strict validation."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {key: _strict(value) for key, value in schema.items()}  # pyright: ignore[reportUnknownVariableType]
    if found.get("x-kubernetes-int-or-string"):
        found.pop("anyOf", None)
        found["type"] = ["integer", "string"]
    if found.get("type") == "object" and "properties" in found:
        found["additionalProperties"] = False
    return found
