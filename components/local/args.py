"""The arguments of a local service, beyond those of every target, and its complete spec."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, Self

import pulumi

from ..declared import argument, read_into
from ..jobs.args import JobsArgs
from ..jobs.spec import JobsSpec
from ..spec import InferenceServiceArgs, InferenceServiceSpec


class LocalServiceArgs(InferenceServiceArgs, JobsArgs):
    """The arguments of a local service, beyond those of every target."""

    api_key: NotRequired[pulumi.Input[str]]
    """Bearer key of the service, 16 to 4096 printable ASCII characters. One is created when none is given."""
    run_folder: NotRequired[str]
    """Folder of its log and records, relative to the project. Default `.slipway/<name>`."""
    rollout: NotRequired[str]
    """How a new version takes over: `rolling`, when it passed its smoke test; `canary`, a share of the
    requests first; `blue-green`, all of them, with the old version ready to take them back. Default
    `rolling`."""
    canary_percent: NotRequired[float]
    """Share of the requests that a canary gets, in percent. Default 10."""
    bake_minutes: NotRequired[float]
    """Minutes for which a canary or a blue-green rollout is watched. Default 5."""
    rollback_on: NotRequired[list[str]]
    """Rules by which such a rollout goes back, over metrics of the server, such as
    `http_server_request_duration_seconds failures > 1%`. Default: more than 1 % of failures, a p99 above
    three times the old version's, and 90 % of the memory limit."""
    smoke_tests: NotRequired[str]
    """File of requests and expected answers, one `{"request": …, "answer": …}` in a line, relative to the
    project, that a new version must pass before it gets requests. Default: the model's own example alone."""


class LocalContainerArgs(LocalServiceArgs):
    """The arguments of a local container, beyond those of a local process."""

    image: NotRequired[str]
    """Image that the Docker engine has: a name or an id; or a digest reference to pull. Default `slipway`."""


@dataclass(frozen=True, slots=True)
class LocalSpec:
    """The arguments of one local service, checked by rules.py.

    service: as on every target. jobs: what it does with jobs. load_seconds: None if the model's own
    measure or estimate counts. image: of a container.
    """

    service: InferenceServiceSpec
    jobs: JobsSpec
    api_key: pulumi.Input[str] | None = argument(None, hidden=True)
    run_folder: str = argument(derived=lambda spec: str(Path(".slipway") / spec.service.name))
    load_seconds: float | None = argument(None)
    rollout: str = argument("rolling")
    canary_percent: float | None = argument(None)
    bake_minutes: float | None = argument(None)
    rollback_on: tuple[str, ...] = argument(())
    smoke_tests: str = argument("")
    image: str = argument("slipway")

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; '' in `run_folder` and `image` and 0 in `load_seconds` are not given."""
        unset = {key for key in ("run_folder", "image", "load_seconds") if not args.get(key)}
        given = {key: value for key, value in args.items() if key not in unset}
        service = InferenceServiceSpec.read(name, given)
        return read_into(cls, given, service=service, jobs=JobsSpec.read(given, service))

    @property
    def name(self) -> str:
        return self.service.name
