"""What a local service in a container is doing, and its log, as Docker tells; starts and stops nothing."""

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import psutil

from slipway.components.local import docker
from slipway.components.local.docker import Container, DockerError
from slipway.components.local.process import HOST, is_ready
from slipway.infra.errors import Refused
from slipway.infra.targets.status import Status, served_device

_MIB = 2**20


def container_status(stack: str, service: str) -> Status:
    """The status of the service's container. Raises Refused where the engine cannot be asked."""
    found = _container(service)
    if found is None:
        return Status(stack, "local", "stopped")
    url = f"http://{HOST}:{found.port}"
    state = _state(found, url)
    return Status(
        stack=stack,
        target="local",
        state=state,
        url=url,
        pid=found.pid or None,
        rss_mb=_rss_mb(found),
        limits={"memory_mb": found.limit_bytes // _MIB, "memory_enforced_by": "docker"},
        started_at=datetime.fromisoformat(found.started_at).isoformat(timespec="seconds"),
        model=found.labels.get(docker.MODEL_LABEL),
        version=found.image_id.removeprefix("sha256:")[:12],
        device=served_device(url) if state == "ready" else None,
        started_by="pulumi up",
        reason=None if state == "stopped" else found.trouble_in_words() or None,
    )


def show_container_log(service: str, tail: int, follow: bool) -> NoReturn:
    """Become `docker logs`. Raises Refused where there is nothing to show."""
    found = _container(service)
    if found is None:
        raise Refused(f"There is no container of {service} here: `pulumi up` starts it.")
    command = docker.log_command(found.id, tail, follow)
    os.execv(command[0], command)  # noqa: S606 no shell is wanted


def _container(service: str) -> Container | None:
    try:
        return docker.container_of(service)
    except DockerError as error:
        raise Refused(str(error)) from None


def _state(found: Container, url: str) -> str:
    if found.running:
        return "ready" if is_ready(url) else "starting"
    stopped = found.status == "created" or (found.status == "exited" and found.exit_code == 0)
    return "stopped" if stopped else "failed"


def _rss_mb(found: Container) -> float | None:
    """Of the server, where its pid is one of this system: an engine may run in a machine of its own."""
    try:
        if found.id not in Path(f"/proc/{found.pid}/cgroup").read_text():
            return None
        return round(psutil.Process(found.pid).memory_info().rss / _MIB, 1)
    except (OSError, psutil.Error):
        return None
