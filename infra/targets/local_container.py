"""Reads status and log of a local service in a container from Docker; starts and stops nothing."""

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import psutil

from slipway.components.local import docker
from slipway.components.local.docker import DockerContainer, DockerError
from slipway.components.local.launch import HOST
from slipway.infra.errors import Refused
from slipway.infra.targets.status import Status, running_state, served_device

_MIB = 2**20


def container_status(stack: str, service: str) -> Status:
    """Read the status of the service's container. Raises Refused if Docker cannot be reached."""
    found = _container(service)
    if found is None:
        return Status(stack, "local", "stopped")
    url = f"http://{HOST}:{found.port}"
    state, trouble = _state(found, url)
    return Status(
        stack=stack,
        target="local",
        state=state,
        url=url,
        pid=found.pid or None,
        rss_mib=_rss_mib(found),
        limits={"memory_mib": found.limit_bytes // _MIB, "memory_enforced_by": "docker"},
        started_at=datetime.fromisoformat(found.started_at).isoformat(timespec="seconds"),
        model=found.labels.get(docker.MODEL_LABEL),
        version=found.image_id.removeprefix("sha256:")[:12],
        device=served_device(url) if state == "ready" else None,
        started_by="pulumi up",
        reason=None if state == "stopped" else trouble or found.trouble_in_words() or None,
    )


def show_container_log(service: str, tail: int, follow: bool) -> NoReturn:
    """Become `docker logs`. Raises Refused where there is nothing to show."""
    found = _container(service)
    if found is None:
        raise Refused(f"There is no container of {service} here: `pulumi up` starts it.")
    command = docker.log_command(found.id, tail, follow)
    os.execv(command[0], command)  # noqa: S606 no shell is wanted


def _container(service: str) -> DockerContainer | None:
    try:
        return docker.container_of(service)
    except DockerError as error:
        raise Refused(str(error)) from None


def _state(found: DockerContainer, url: str) -> tuple[str, str | None]:
    """Return the container's state, and why a running server is not ready."""
    if found.running:
        return running_state(url)
    stopped = found.status == "created" or (found.status == "exited" and found.exit_code == 0)
    return ("stopped" if stopped else "failed"), None


def _rss_mib(found: DockerContainer) -> float | None:
    """Return the server's resident memory; None if Docker runs it in a virtual machine."""
    try:
        if found.id not in Path(f"/proc/{found.pid}/cgroup").read_text():
            return None
        return round(psutil.Process(found.pid).memory_info().rss / _MIB, 1)
    except (OSError, psutil.Error):
        return None
