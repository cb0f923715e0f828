"""The containers that a resource runs, in one form for all clouds. Pure: plain JSON in, plain data out.

What only the cloud will tell ("[unknown]") is None and is never judged.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.infra.plan.reading import UNKNOWN, Resource, at, items_at

CLOUD_RUN = "gcp:cloudrunv2/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
_WORKLOADS = tuple(
    f"kubernetes:apps/v1:{kind}" for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
)


@dataclass(frozen=True, slots=True)
class Container:
    """image: None: not known yet. env: plain name -> value. has_probe: something asks whether it answers."""

    name: str
    image: str | None
    memory_limited: bool
    env: Mapping[str, Any]
    has_probe: bool
    takes_requests: bool


def containers_of(resource: Resource) -> Iterator[Container]:
    if resource.type == CLOUD_RUN:
        for one in items_at(resource.inputs, "template", "containers"):
            yield _cloud_run(one)
    elif resource.type == TASK:
        yield from _task(resource)
    elif resource.type in _WORKLOADS:
        for one in items_at(resource.inputs, "spec", "template", "spec", "containers"):
            yield _kubernetes(one)


def _known(value: Any) -> str | None:
    return value if isinstance(value, str) and value != UNKNOWN else None


def _cloud_run(one: Any) -> Container:
    return Container(
        name=str(at(one, "name") or "the container"),
        image=_known(at(one, "image")),
        memory_limited=at(one, "resources", "limits", "memory") is not None,
        env=_plain_env(items_at(one, "envs")),
        has_probe=at(one, "startupProbe") is not None or at(one, "livenessProbe") is not None,
        takes_requests=at(one, "ports") is not None,
    )


def _task(resource: Resource) -> Iterator[Container]:
    """Container definitions are one text; it is unknown where an ARN in it is."""
    text = _known(resource.inputs.get("containerDefinitions"))
    limited = resource.inputs.get("memory") is not None
    if text is None:
        yield Container("the task", None, limited, {}, has_probe=True, takes_requests=False)
        return
    for one in items_at(json.loads(text)):
        yield Container(
            name=str(at(one, "name") or "a container"),
            image=_known(at(one, "image")),
            memory_limited=limited or at(one, "memory") is not None,
            env=_plain_env(items_at(one, "environment")),
            has_probe=at(one, "healthCheck") is not None,
            takes_requests=bool(items_at(one, "portMappings")),
        )


def _kubernetes(one: Any) -> Container:
    probes = ("readinessProbe", "startupProbe")
    return Container(
        name=str(at(one, "name") or "a container"),
        image=_known(at(one, "image")),
        memory_limited=at(one, "resources", "limits", "memory") is not None,
        env=_plain_env(items_at(one, "env")),
        has_probe=any(at(one, probe) is not None for probe in probes),
        takes_requests=bool(items_at(one, "ports")),
    )


def _plain_env(entries: list[Any]) -> dict[str, Any]:
    """Those whose value stands in the resource itself; a reference to a secret has none."""
    return {
        str(at(one, "name")): at(one, "value")
        for one in entries
        if at(one, "value") is not None and at(one, "value") != UNKNOWN
    }
