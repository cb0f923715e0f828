"""Queries the Docker engine of this machine through its command line. Knows nothing of Pulumi.

The context is always `default` (DOCKER_HOST, else the local socket), because Pulumi's provider knows no
other. Sizes are bytes.
"""

import json
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..fault import ComponentError
from .record import out_of_memory

# Of a service's container: the component's name, and its model as the settings name it.
SERVICE_LABEL, MODEL_LABEL = "slipway.service", "slipway.model"
_LAST_LINES = 10


class DockerError(ComponentError):
    """The engine could not be reached, or refused a command; the message has its own words."""


@dataclass(frozen=True, slots=True)
class DockerContainer:
    """A container as the engine describes it. status: created, running, restarting, exited, paused or dead.

    port: the first that is published, on the host; 0 if none is. pid: 0 if it does not run.
    oom_killed: now, or before a restart as far as the engine remembers.
    """

    id: str
    name: str
    image_id: str
    status: str
    pid: int
    exit_code: int
    restarts: int
    started_at: str
    port: int
    labels: Mapping[str, str]
    limit_bytes: int
    oom_killed: bool

    @classmethod
    def of(cls, found: dict[str, Any]) -> Self:
        state, restarts = found["State"], found["RestartCount"]
        return cls(
            id=found["Id"],
            name=found["Name"].lstrip("/"),
            image_id=found["Image"],
            status=state["Status"],
            pid=state["Pid"],
            exit_code=state["ExitCode"],
            restarts=restarts,
            started_at=state["StartedAt"],
            port=_published_port(found["HostConfig"]),
            labels=found["Config"]["Labels"] or {},
            limit_bytes=found["HostConfig"]["Memory"],
            # A restart may clear the mark; the engine keeps its last events.
            oom_killed=state["OOMKilled"] or (restarts > 0 and _had_oom(found["Id"], found["Created"])),
        )

    @property
    def running(self) -> bool:
        return self.status == "running"

    def trouble_in_words(self) -> str:
        """Return why it ended or was restarted, and what to change; '' if nothing is wrong."""
        again = f"It was started again {self.restarts} time{'s' * (self.restarts > 1)}."
        if self.oom_killed:
            # The kernel kills at the limit, so that the limit was the peak.
            words = out_of_memory(self.limit_bytes, self.limit_bytes)
            return f"{words} {again}" if self.restarts else words
        if self.running:
            return f"The server ended. {again}" if self.restarts else ""
        if self.status in ("created", "paused"):
            return f"The container is {self.status}."
        code = self.exit_code
        if code > 128 and code - 128 in {one.value for one in signal.Signals}:
            return f"The server ended by {signal.Signals(code - 128).name}."
        return f"The server ended with exit code {code}."


def _published_port(host_config: dict[str, Any]) -> int:
    published: dict[str, list[dict[str, str]] | None] = host_config["PortBindings"] or {}
    ports = [one["HostPort"] for bindings in published.values() for one in bindings or []]
    return int(ports[0] or 0) if ports else 0


def image_id(reference: str) -> str | None:
    """Return the id of a local image; None if the engine has none of that name. Raises DockerError."""
    found = _inspected("image", reference)
    return str(found["Id"]) if found else None


def pulled_image_id(reference: str) -> str:
    """Pull an image and return its id. Raises DockerError."""
    _docker("pull", "--quiet", reference)
    found = image_id(reference)
    if found is None:
        raise DockerError(f"{reference} was pulled, but the Docker engine does not have it.")
    return found


def container(name: str) -> DockerContainer | None:
    """Return the container of this name or id; None if there is none. Raises DockerError."""
    found = _inspected("container", name)
    return DockerContainer.of(found) if found else None


def container_of(service: str) -> DockerContainer | None:
    """Return the container that runs (or ran) this service; None if there is none. Raises DockerError."""
    ids = _docker("ps", "--all", "--quiet", "--no-trunc", f"--filter=label={SERVICE_LABEL}={service}").split()
    return container(ids[0]) if ids else None


def start(name: str) -> None:
    """Start a container that has ended. Raises DockerError."""
    _docker("start", name)


def last_log_lines(name: str, count: int = _LAST_LINES) -> list[str]:
    return _docker("logs", f"--tail={count}", name).splitlines()


def log_command(name: str, tail: int, follow: bool) -> list[str]:
    """Return the command that prints a container's log. Raises DockerError if there is no `docker`."""
    return [*_command(), "logs", f"--tail={tail}", *(["--follow"] if follow else []), name]


def _had_oom(name: str, since: str) -> bool:
    filters = (f"--filter=container={name}", "--filter=event=oom")
    return bool(_docker("events", f"--since={since}", "--until=0s", *filters))


def _inspected(kind: str, name: str) -> dict[str, Any] | None:
    try:
        return json.loads(_docker(kind, "inspect", name))[0]
    except DockerError as error:
        if "no such" in str(error).lower():
            return None
        raise


def _command() -> list[str]:
    docker = shutil.which("docker")
    if docker is None:
        raise DockerError(
            "A service in a container needs Docker, and there is no `docker` on PATH: install it, or run the "
            "service as a process."
        )
    return [docker, "--context=default"]


def _docker(*arguments: str) -> str:
    """Run `docker` and return its output, for `logs` with standard error.

    Raises DockerError with its message.
    """
    done = subprocess.run(
        [*_command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if arguments[0] == "logs" else subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise DockerError(f"`docker {' '.join(arguments)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
