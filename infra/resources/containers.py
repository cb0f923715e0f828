"""The containers that a resource runs, in one form for all clouds. Pure: plain JSON in, plain data out.

What only the cloud knows ("[unknown]") is None: whoever judges says that it is not judged.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.infra.resources.reading import SECRET, UNKNOWN, Resource, at, items_at


@dataclass(frozen=True, slots=True)
class Container:
    """One container. None: not known before `up`.

    env: plain name -> value. has_probe: something asks whether it answers. plain_names: of `env`, that look
    like secrets and are said to be none. builds_image: the stack itself builds it, and names its digest.
    """

    name: str
    image: str | None
    memory_limited: bool
    env: Mapping[str, Any] | None
    has_probe: bool | None
    takes_requests: bool
    plain_names: frozenset[str] = frozenset()
    builds_image: bool = False


def of_cloud_run(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of a Cloud Run service's template."""
    for one in items_at(resource.inputs, "template", "containers"):
        yield Container(
            name=str(at(one, "name") or "the container"),
            image=_known(at(one, "image")),
            memory_limited=at(one, "resources", "limits", "memory") is not None,
            env=_plain_env(items_at(one, "envs")),
            has_probe=at(one, "startupProbe") is not None or at(one, "livenessProbe") is not None,
            takes_requests=at(one, "ports") is not None,
        )


def of_task(resource: Resource, recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of an ECS task definition.

    They are one JSON string, which is unknown while it holds an ARN that is made in the same `up`; then the
    component's recorded arguments stand in for it.
    """
    text = _known(resource.inputs.get("containerDefinitions"))
    limited = resource.inputs.get("memory") is not None
    if text is None:
        env = at(recorded, "env") if recorded else None
        yield Container(
            name="the task",
            image=_known(at(recorded, "image_ref")),
            memory_limited=limited,
            env=(env or {}) if recorded else None,
            has_probe=None,
            takes_requests=True,
        )
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


def of_workload(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of a Deployment and of everything else that has a pod template."""
    return _of_pod(at(resource.inputs, "spec", "template", "spec"))


def of_cron_job(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of a CronJob."""
    return _of_pod(at(resource.inputs, "spec", "jobTemplate", "spec", "template", "spec"))


def of_pod(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of a Pod."""
    return _of_pod(at(resource.inputs, "spec"))


def of_inference_service(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the containers of a KServe InferenceService: KServe probes the one that takes requests itself."""
    return _of_pod(at(resource.inputs, "spec", "predictor"))


def of_docker(resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Yield the one container that a Docker engine runs."""
    inputs = resource.inputs
    pairs = (str(entry).partition("=") for entry in items_at(inputs, "envs") if entry != UNKNOWN)
    yield Container(
        name="the container",
        image=_known(at(inputs, "image")),
        memory_limited=at(inputs, "memory") is not None,
        env={name: value for name, _, value in pairs},
        has_probe=at(inputs, "healthcheck") is not None,
        takes_requests=bool(items_at(inputs, "ports")),
    )


def _of_pod(spec: Any) -> Iterator[Container]:
    probes = ("readinessProbe", "startupProbe")
    for one in items_at(spec, "containers"):
        yield Container(
            name=str(at(one, "name") or "a container"),
            image=_known(at(one, "image")),
            memory_limited=at(one, "resources", "limits", "memory") is not None,
            env=_plain_env(items_at(one, "env")),
            has_probe=any(at(one, probe) is not None for probe in probes),
            takes_requests=bool(items_at(one, "ports")),
        )


def _known(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in (UNKNOWN, SECRET) else None


def _plain_env(entries: list[Any]) -> dict[str, Any]:
    """Return those whose value stands in the resource itself; a reference to a secret has none."""
    return {
        str(at(one, "name")): at(one, "value")
        for one in entries
        if at(one, "value") is not None and at(one, "value") != UNKNOWN
    }
