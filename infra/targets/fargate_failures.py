"""Why the tasks of a Fargate service do not run: what ECS reports of those that stopped, and its events."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from slipway.infra.errors import Failed

_MOST_EVENTS, _MOST_TASKS = 3, 5
# The events of a service that is as it should be; the others say what went wrong.
# docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
_ORDINARY = re.compile(
    r"steady state|has started \d+ tasks|registered \d+ targets|deregistered \d+ targets|has begun draining"
    r"|has stopped \d+ running tasks|deployment completed|updated computedDesiredCount"
)
_SERVICE = re.compile(r"^\(service [^)]*\)[ ,]*")
Answer = Callable[[list[str]], dict[str, Any]]


def failures(service: Mapping[str, Any], cluster: str, answer: Answer) -> Iterator[str]:
    """Yield sentences about what stopped tasks, newest first.

    service: as `aws ecs describe-services` answers. answer: runs a command of `aws`; a Failed that it raises
    is reported, not raised.
    """
    try:
        yield from _of_tasks(cluster, str(service.get("serviceName", "")), answer)
    except Failed as error:
        yield f"Stopped tasks could not be read: {error}"
    messages = [_SERVICE.sub("", str(event.get("message", ""))) for event in _objects(service, "events")]
    unusual = [message for message in messages if not _ORDINARY.search(message)]
    for message in list(dict.fromkeys(unusual))[:_MOST_EVENTS]:
        yield f"ECS: {message.rstrip('.')}."


def _of_tasks(cluster: str, service: str, answer: Answer) -> Iterator[str]:
    """Yield each reason for which tasks stopped, once. ECS forgets a task after about an hour."""
    place = ["--cluster", cluster]
    listed = answer(["ecs", "list-tasks", *place, "--service-name", service, "--desired-status", "STOPPED"])
    arns = [str(arn) for arn in cast("list[Any]", listed.get("taskArns") or [])][:_MOST_TASKS]
    if not arns:
        return
    tasks = _objects(answer(["ecs", "describe-tasks", *place, "--tasks", *arns]), "tasks")
    tasks.sort(key=lambda task: str(task.get("stoppedAt", "")), reverse=True)
    yield from dict.fromkeys(f"A task stopped: {_reason(task).rstrip('.')}." for task in tasks)


def _reason(task: Mapping[str, Any]) -> str:
    """Return why a task stopped, with what its containers report, such as that they had no memory left."""
    parts = [str(task.get("stoppedReason") or task.get("stopCode") or "ECS states no reason")]
    for container in _objects(task, "containers"):
        if reason := container.get("reason"):
            parts.append(f"{container.get('name')}: {reason}")
        elif container.get("exitCode"):
            parts.append(f"{container.get('name')} ended with exit code {container['exitCode']}")
    return "; ".join(dict.fromkeys(parts))


def _objects(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return cast("list[dict[str, Any]]", found) if isinstance(found, list) else []
