"""What differs between the tasks of a service: those that answer requests, and those that work on jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from . import limits
from .spec import LISTEN_ON_SECONDS, STOP_MARGIN_SECONDS, FargateSpec


@dataclass(frozen=True, slots=True)
class Process:
    """How a task's container is run.

    environment: its variables beyond those of the service. drain_seconds: how long it goes on after SIGTERM.
    listen_on_seconds: for how much of that it takes new requests.
    """

    environment: Mapping[str, pulumi.Input[str]]
    drain_seconds: int
    listen_on_seconds: int

    @property
    def stop_seconds(self) -> int:
        """Return when ECS kills it at the latest, after SIGTERM."""
        return self.drain_seconds + STOP_MARGIN_SECONDS


def server_process(spec: FargateSpec, jobs: Mapping[str, pulumi.Input[str]]) -> Process:
    """Return how a server is run. jobs: the variables by which it reaches them."""
    return Process(jobs, spec.drain_seconds, LISTEN_ON_SECONDS)


def worker_process(spec: FargateSpec, jobs: Mapping[str, pulumi.Input[str]]) -> Process:
    """Return how a worker is run: no request reaches it, and its jobs get all the time that ECS allows.

    Another worker takes up those that do not end in it.
    """
    variables = {**jobs, **spec.jobs.worker_environment}
    return Process(variables, limits.STOP_SECONDS - STOP_MARGIN_SECONDS, 0)
