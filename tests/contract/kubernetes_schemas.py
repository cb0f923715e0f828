"""The schemas of Kubernetes' own API, from the package kubernetes-validate: a validator of each kind.

The package's `validate` parses all definitions of a version, 2 MB, for every object; here each is read once.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

_SCHEMAS = Path(str(kubernetes_validate.__file__)).parent / "kubernetes-json-schema"


def fault_of(found: dict[str, Any], version: str) -> str:
    """Return what the schema of this version, such as `1.30`, refuses of an object; '' if it accepts it.

    Strict: a field that the schema does not know is refused. Raises FileNotFoundError for an unknown kind.
    """
    group, _, api = found["apiVersion"].rpartition("/")
    # The files leave out the domain of a group: `rbac-v1` for rbac.authorization.k8s.io/v1.
    name = "-".join([found["kind"].lower(), *([group.split(".")[0]] if group else []), api])
    try:
        _validator(name, version).validate(found)  # pyright: ignore[reportUnknownMemberType]
    except ValidationError as error:
        return f"{version} {found['kind']}: {error.message}"
    return ""


@cache
def _folder(version: str) -> Path:
    [folder] = _SCHEMAS.glob(f"v{version}.*-local-strict")
    return folder


@cache
def _read(version: str, name: str) -> Any:
    return json.loads((_folder(version) / f"{name}.json").read_text())


@cache
def _definitions(version: str) -> Registry[Any]:
    return Resource[Any].from_contents(_read(version, "_definitions")) @ Registry[Any]()


@cache
def _validator(name: str, version: str) -> Draft202012Validator:
    schema = _read(version, name)
    return Draft202012Validator(schema, registry=Resource[Any].from_contents(schema) @ _definitions(version))
