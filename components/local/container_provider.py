"""The dynamic providers around a local container: its image by id, and its readiness.

The container itself is pulumi-docker's. That provider runs an image by any name, although a name can move on,
and cannot say why a container did not become ready. Module and class names are state, as in provider.py.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ResourceProvider, UpdateResult

from . import docker, process
from .docker import DockerError
from .provider import STOP_COMMANDS
from .record import Lease

_POLL_SECONDS = 0.1


class ContainerImageProvider(ResourceProvider):
    """Resolves the name of an image to its id, and refuses an image that could not start, in the preview too.

    Inputs: `image`, a reference; `service`, `run_folder` and `port` of the container. Output: `image_id`.
    """

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        known = {name: value for name, value in news.items() if name != "image_id"}
        try:
            found = docker.image_id(news["image"])
            failures = list(_faults(news, found, first=not _olds))
        except DockerError as error:
            return CheckResult(known, [CheckFailure("image", str(error))])
        return CheckResult(known | ({"image_id": found} if found else {}), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        moved = _news.get("image_id") not in (None, _olds.get("image_id"))
        return DiffResult(changes=moved or _news["image"] != _olds.get("image"), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["service"], _with_image_id(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_with_image_id(_news))


class ContainerReadyProvider(ResourceProvider):
    """Waits until the server in a container answers; fails with the cause if it does not.

    Inputs: `container`, its id, and `url`.
    """

    def create(self, props: dict[str, Any]) -> CreateResult:
        _wait_until_ready(props)
        return CreateResult(props["service"], _without_provider(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = any(_olds.get(name) != _news.get(name) for name in ("container", "url"))
        return DiffResult(changes=changed or not _is_up(_news), replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _wait_until_ready(_news)
        return UpdateResult(_without_provider(_news))


def _faults(props: dict[str, Any], image_id: str | None, *, first: bool) -> Iterator[CheckFailure]:
    image, service = props["image"], props["service"]
    if image_id is None and "@" not in image:
        yield CheckFailure(
            "image",
            f"this Docker engine has no image {image!r}. In a checkout of Slipway `make image` makes "
            "`slipway`; or set `image` to one that it has, or to a digest reference, which is pulled.",
        )
    lease = Lease.read(Path(props["run_folder"]))
    if lease and process.running(Path(props["run_folder"])):
        yield CheckFailure(
            "service",
            f"it runs as a process at {lease.url}, started by `{lease.owner}`. "
            f"Stop it first: {STOP_COMMANDS[lease.owner]}.",
        )
    elif (container := docker.container(service)) and first:
        yield CheckFailure(
            "service",
            "there is a container of this name that this stack did not make. Destroy the stack that made it, "
            f"or remove it: `docker rm -f {service}`.",
        )
    elif container is None:
        yield from _port_faults(int(props["port"]))


def _port_faults(port: int) -> Iterator[CheckFailure]:
    try:
        process.refuse_taken_port(port)
    except process.PortTaken as error:
        yield CheckFailure("port", str(error))


def _with_image_id(props: dict[str, Any]) -> dict[str, Any]:
    return {
        **_without_provider(props),
        "image_id": props.get("image_id") or docker.pulled_image_id(props["image"]),
    }


def _is_up(props: dict[str, Any]) -> bool:
    container = docker.container(props["container"])
    return container is not None and container.running and process.is_ready(props["url"])


def _wait_until_ready(props: dict[str, Any]) -> None:
    """Wait until the server answers, starting its container once if it has exited.

    Raises StartFailed with the cause and the last log lines.
    """
    if _container(props).status == "exited":
        docker.start(props["container"])
    # Not in the state of a container that was made before it was known.
    ready_seconds = process.ready_seconds(props.get("load_seconds", 0))
    deadline = time.monotonic() + ready_seconds
    while time.monotonic() < deadline:
        container = _container(props)
        if not container.running:
            raise process.StartFailed(_why(container))
        if process.is_ready(props["url"]):
            return
        time.sleep(_POLL_SECONDS)
    raise process.StartFailed(f"{process.late(ready_seconds)}\n{_log_tail(props['container'])}")


def _container(props: dict[str, Any]) -> docker.DockerContainer:
    container = docker.container(props["container"])
    if container is None:
        raise process.StartFailed(
            f"The container {props['service']} is gone. `pulumi up --refresh` recreates it."
        )
    return container


def _why(container: docker.DockerContainer) -> str:
    """Return the server's own last error if it logged one, else how its container ended."""
    own_words = "" if container.oom_killed else process.last_error(docker.last_log_lines(container.id))
    return f"{own_words or container.trouble_in_words()}\n{_log_tail(container.id)}"


def _log_tail(container: str) -> str:
    lines = docker.last_log_lines(container) or ["(empty)"]
    return "\n".join(["Last lines of its log:", *(f"  {line}" for line in lines)])


def _without_provider(props: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in props.items() if name != "__provider"}
