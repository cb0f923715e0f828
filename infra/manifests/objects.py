"""Renders a stack's Kubernetes objects as plain YAML, to apply them by other means. Reads only a Plan.

It never contains secrets: the objects refer to their Secret, and a comment says how to create it.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import yaml

from slipway.components.gke.nodes import POOL_LABEL
from slipway.components.input_rules import API_KEY_NAME
from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import UNKNOWN, Resource, at

# In this order each object finds what it names; kinds of extensions come last.
_ORDER = (
    "Namespace",
    "ServiceAccount",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Cluster",
    "NetworkPolicy",
    "Deployment",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Service",
    "Ingress",
)
_OWN = ("kubernetes:", "pulumi:", "slipway:")


@dataclass(frozen=True, slots=True)
class Object:
    """name: of Pulumi's resource, the same for as long as it lives. body: as Kubernetes takes it."""

    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """A Secret that the objects refer to but do not include. keys: the keys that it must hold."""

    name: str
    namespace: str
    keys: tuple[str, ...]

    @property
    def command(self) -> str:
        literals = " ".join(_literal(key) for key in self.keys)
        return f"kubectl create secret generic {self.name} --namespace {self.namespace} {literals}"


def _literal(key: str) -> str:
    """Render one value's argument: the API key may be any long string; only the owner knows the others."""
    if key == API_KEY_NAME:
        return f'--from-literal={key}="$(openssl rand -hex 20)"'
    return f"--from-file={key}=<file with its value>"


@dataclass(frozen=True, slots=True)
class Manifests:
    """objects: in the order to apply them in. also_made: what Pulumi makes in clouds, by name and type."""

    stack: str
    objects: tuple[Object, ...]
    missing: tuple[Missing, ...]
    also_made: tuple[str, ...]


def manifests_of(plan: Plan) -> Manifests:
    """Collect a plan's Kubernetes objects. Raises Refused if it has none, or one is unknown before `up`."""
    found = [resource for resource in plan.resources if _is_object(resource)]
    if not found:
        raise Refused(
            f"Stack {plan.stack} has no Kubernetes objects; `slipway manifests` is for the targets gke and "
            "kubernetes."
        )
    secrets = [resource for resource in found if resource.inputs["kind"] == "Secret"]
    objects = [
        Object(resource.name, _with_plain_names(_applied_again(resource), secrets))
        for resource in found
        if resource not in secrets
    ]
    for each in objects:
        _require_known(plan.stack, each.body)
    return Manifests(
        plan.stack,
        tuple(sorted(objects, key=_position)),
        tuple(_missing(secret, objects) for secret in secrets),
        tuple(
            f"{resource.name} ({resource.type.rpartition(':')[2]})"
            for resource in plan.resources
            if not resource.type.startswith((*_OWN, "random:"))
        ),
    )


def yaml_of(manifests: Manifests) -> str:
    """Render all objects as one YAML stream."""
    documents = [dumped(each.body) for each in manifests.objects]
    return _comment(head_lines(manifests)) + "---\n".join(documents)


def yaml_files(manifests: Manifests) -> dict[str, str]:
    """Render one file per object, whose name stays when the object's name changes, and a README.txt."""
    first = _comment([made_by(manifests.stack)])
    files = {f"{each.name}.yaml": first + dumped(each.body) for each in manifests.objects}
    return {**files, "README.txt": _comment(head_lines(manifests))}


def head_lines(manifests: Manifests) -> list[str]:
    """List what a reader needs in addition to the objects."""
    lines = [made_by(manifests.stack)]
    for each in manifests.missing:
        lines += [f"Secret {each.name} is not included, because its values are secret. Create it once:"]
        lines += [f"  {each.command}"]
    if manifests.also_made:
        lines.append(f"Created by `pulumi up` and not included: {', '.join(manifests.also_made)}.")
    return lines


def dumped(body: Any) -> str:
    """Sorted, and never folded at a line's end."""
    return yaml.safe_dump(body, sort_keys=True, width=10**6, allow_unicode=True)


def made_by(stack: str) -> str:
    """Return the line that every written file begins with, as a comment."""
    return f"{MARK} {stack}`."


MARK = "Made by `slipway manifests"


def _comment(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _is_object(resource: Resource) -> bool:
    return resource.type.startswith("kubernetes:")


def _position(each: Object) -> tuple[int, str, str]:
    kind = each.body["kind"]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), kind, each.name)


def _applied_again(resource: Resource) -> dict[str, Any]:
    """Return the object without what counts only when it is created, which each later apply would undo."""
    body = deepcopy(dict(resource.inputs))
    for path in resource.ignore_changes:
        *above, last = path.split(".")
        at(body, *above).pop(last, None)
    return body


def _with_plain_names(inputs: Mapping[str, Any], secrets: list[Resource]) -> dict[str, Any]:
    """Refer to the service's own Secret by its name without the hash of its values, which are left out."""
    plain = {secret.inputs["metadata"]["name"]: secret.name for secret in secrets}
    body = deepcopy(dict(inputs))
    _walk(body, _leave_out_drawn_pool)
    for reference in _secret_references(body):
        reference["name"] = plain.get(reference["name"], reference["name"])
    return body


def _leave_out_drawn_pool(fields: Any) -> None:
    """Drop the selector of a node pool whose name only `up` creates.

    The pool's GPU and taint suffice: pods that request a GPU fit nowhere else, and others are kept off.
    """
    if isinstance(fields, dict) and fields.get("nodeSelector", {}).get(POOL_LABEL) == UNKNOWN:  # pyright: ignore[reportUnknownMemberType]
        del cast("dict[str, Any]", fields)["nodeSelector"][POOL_LABEL]
        if not fields["nodeSelector"]:
            del fields["nodeSelector"]


def _secret_references(value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def look(fields: Any) -> None:
        if isinstance(fields, dict) and "secretKeyRef" in fields:
            found.append(cast("dict[str, Any]", fields)["secretKeyRef"])

    _walk(value, look)
    return found


def _walk(value: Any, look: Callable[[Any], None]) -> None:
    look(value)
    items: list[Any] = []
    if isinstance(value, dict):
        items = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    elif isinstance(value, list):
        items = list(value)  # pyright: ignore[reportUnknownArgumentType]
    for item in items:
        _walk(item, look)


def _missing(secret: Resource, objects: list[Object]) -> Missing:
    keys = {
        reference["key"]
        for each in objects
        for reference in _secret_references(each.body)
        if reference["name"] == secret.name
    }
    return Missing(secret.name, secret.inputs["metadata"]["namespace"], tuple(sorted(keys)))


def _require_known(stack: str, body: Mapping[str, Any]) -> None:
    """Raise Refused if an object holds an unknown value, most likely an image that `up` builds."""

    def look(value: Any) -> None:
        if value == UNKNOWN:
            raise Refused(
                f"Stack {stack}: the {body['kind']} needs what only `pulumi up` creates, most likely the "
                "image. Give one: `--set image=<registry>/<repository>@sha256:<64 hex digits>`."
            )

    _walk(body, look)
