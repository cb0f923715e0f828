"""Decides which arguments of a local service are refused. Reads only the model's folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ..arguments import readable_arguments
from ..fault import Fault, Faults, refuse
from ..input_rules import api_key_faults
from ..jobs.rules import AMAZON, FILE, GOOGLE, jobs_faults
from ..load_time import load_seconds_of
from ..model import ModelFolder, model_folder, model_version, require_memory
from ..need import need_of
from ..rollouts.faults import RolloutArguments, rollout_faults
from ..rollouts.kinds import ROLLING
from ..smoke import file_cases
from .args import LocalContainerArgs, LocalServiceArgs, LocalSpec

# Arguments of every target that a process on this machine does nothing with -> why.
_WITHOUT_EFFECT = {
    "gpu": "computes on the CPU",
    "gpu_count": "computes on the CPU",
    "concurrency": "is one process, which nothing scales by it",
    "env": "has a fixed environment",
    "plain_env": "has a fixed environment",
    "secrets": "has no secret store",
    "labels": "has no labels",
    "public": "listens on 127.0.0.1 alone",
}


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A checked service that can be started, with the folder of its model."""

    spec: LocalSpec
    model: ModelFolder

    @property
    def expected_model(self) -> str:
        """Return the only model that the server may serve: the checked one, unless another was named."""
        return self.spec.service.expected_model or model_version(self.model.manifest)

    @property
    def load_seconds(self) -> float:
        given = self.spec.load_seconds
        return given or load_seconds_of(self.model.manifest, self.spec.service.cpu, gpu=False)


def checked_process(name: str, args: Mapping[str, Any]) -> LocalRun:
    """Return what the arguments of a LocalService run. Raises ArgumentsError with all their faults."""
    given = readable_arguments(name, args, LocalServiceArgs)
    spec = LocalSpec.read(name, given)
    return _checked(spec, chain(_without_effect(given), _process_faults(spec)))


def checked_container(name: str, args: Mapping[str, Any]) -> LocalRun:
    """Return what the arguments of a LocalContainer run. Raises ArgumentsError with all their faults."""
    spec = LocalSpec.read(name, readable_arguments(name, args, LocalContainerArgs))
    return _checked(spec, _container_faults(spec))


def _checked(spec: LocalSpec, own: Iterator[Fault]) -> LocalRun:
    service, found = spec.service, Faults()
    found.of(lambda: refuse(spec.name, [*service.faults(), *own]))
    model = found.of(lambda: model_folder(spec.name, service.model, service.task)) if service.model else None
    found.of(lambda: _require_memory(spec, model))
    found.refuse(spec.name)
    assert model is not None
    return LocalRun(spec, model)


def _require_memory(spec: LocalSpec, model: ModelFolder | None) -> None:
    service = spec.service
    if model is not None and service.cpu > 0:
        need = need_of(model.manifest, service.cpu)
        require_memory(spec.name, service.model, need, service.memory_gib, service.cpu)


def _without_effect(given: Mapping[str, Any]) -> Iterator[Fault]:
    for name, why in _WITHOUT_EFFECT.items():
        if given.get(name):
            allowed = "leave it out, or run a container (LocalContainer)" if name == "env" else "leave it out"
            yield Fault(name, "given", allowed, f", and a local process {why}")


def _process_faults(spec: LocalSpec) -> Iterator[Fault]:
    yield from api_key_faults(spec.api_key)
    yield from rollout_faults(RolloutArguments.of(spec))
    yield from jobs_faults(spec.jobs, None, (FILE, GOOGLE, AMAZON))
    if spec.smoke_tests:
        try:
            list(file_cases(Path(spec.smoke_tests)))
        except ValueError as error:
            yield Fault("smoke_tests", repr(spec.smoke_tests), f"{error}")


def _container_faults(spec: LocalSpec) -> Iterator[Fault]:
    yield from api_key_faults(spec.api_key)
    given = {
        "rollout": spec.rollout != ROLLING,
        "canary_percent": spec.canary_percent is not None,
        "bake_minutes": spec.bake_minutes is not None,
        "rollback_on": bool(spec.rollback_on),
        "smoke_tests": bool(spec.smoke_tests),
    }
    for name in (name for name, is_given in given.items() if is_given):
        allowed = "leave it out, or run a process (LocalService)"
        yield Fault(name, "given", allowed, ", and a local container is replaced at once")
    for name in sorted(spec.jobs.given):
        allowed = "leave it out, or run a process (LocalService)"
        yield Fault(name, "given", allowed, ", and no worker runs next to a local container")
    service = spec.service
    if service.gpu:
        yield Fault("gpu", repr(service.gpu), "leave it out", ", and a local container has none")
    if service.secrets:
        names = ", ".join(service.secrets)
        allowed = "leave them out, or give what is not secret in `env`"
        yield Fault("secrets", names, allowed, ", and a local container has no secret store", verb="has")
