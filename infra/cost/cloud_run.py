"""Charges of a Cloud Run service. Pure.

Request-based billing (`cpuIdle`): CPU and memory while at least one request is under way, rounded up to
100 ms for each request, and a lower rate for instances that are kept waiting. Instance-based, as always with
a GPU: the whole life of an instance, which ends some time after its last request; no fee for requests.
Source: cloud.google.com/run/pricing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from slipway.infra.cost.busy import busy_share, kept_share, seconds_from_zero
from slipway.infra.cost.charge import (
    Charge,
    NotPriced,
    Priced,
    RolloutHour,
    Scene,
    Verdict,
)
from slipway.infra.cost.usage import HOURS, SECONDS, Usage
from slipway.infra.resources.reading import (
    UNKNOWN,
    Resource,
    at,
    cores,
    items_at,
    memory_gib,
    number,
)

_ROUNDING_SECONDS = 0.1
# RUNPB ServiceScaling: what Cloud Run takes where nothing is said.
_DEFAULT_MAX = 100
_MILLION = 1e6
# Keys of what is charged by the time of instances.
_OF_INSTANCES = ("cloud-run/instance-", "cloud-run/request-", "cloud-run/gpu/")


@dataclass(frozen=True, slots=True)
class RunSize:
    """What one Cloud Run service is billed for. memory in GiB, of all containers. gpu: its name, or ''.

    cpu: of the server. beside_cpu: of the containers next to it, which serve no request.
    """

    cpu: float
    memory_gib: float
    gpu: str
    zonal: bool
    always: bool
    least: float
    most: float
    beside_cpu: float = 0.0

    @property
    def billed_cpu(self) -> float:
        return self.cpu + self.beside_cpu


def service(resource: Resource, scene: Scene) -> Verdict:
    region = resource.inputs.get("location")
    container = at(resource.inputs, "template", "containers", 0)
    (cpu, *beside), memory = sizes(items_at(resource.inputs, "template", "containers") or [None])
    known = [each for each in beside if each is not None]
    if not isinstance(region, str) or region == UNKNOWN or cpu is None or memory is None:
        return NotPriced("its region, CPU or memory is not known before it is made")
    gpu = at(resource.inputs, "template", "nodeSelector", "accelerator") or ""
    least, most = instances(resource)
    size = RunSize(
        cpu,
        memory,
        gpu,
        zonal=at(resource.inputs, "template", "gpuZonalRedundancyDisabled") is not True,
        always=at(container, "resources", "cpuIdle") is False or bool(gpu),
        least=least,
        most=most,
        beside_cpu=sum(known),
    )
    found = priced(size, region, scene.usage)
    if "traffics" not in resource.ignore_changes:
        return found
    return replace(found, rollout=_both_revisions(size, found.charges))


def _both_revisions(size: RunSize, charges: Iterable[Charge]) -> RolloutHour:
    """Return what a canary or a blue-green rollout adds: the same instances again, but no requests."""
    gpus = f" and as many GPUs of {size.gpu} in the quota" if size.gpu else ""
    text = f"while a rollout lasts, the old and the new revision run: up to {2 * size.most:g} instances{gpus}"
    again = [each for each in charges if each.key.startswith(_OF_INSTANCES)]
    return RolloutHour(text, tuple(Charge.always(each.key, each.maximum / HOURS) for each in again))


def sizes(containers: list[Any]) -> tuple[list[float | None], float | None]:
    """Return the CPU of each container, and the memory of all: an instance is billed for their sum."""
    cpu = [cores(at(each, "resources", "limits", "cpu") or "1") for each in containers]
    memory = [memory_gib(at(each, "resources", "limits", "memory") or "512Mi") for each in containers]
    known = [each for each in memory if each is not None]
    return cpu, sum(known) if len(known) == len(memory) else None


def instances(resource: Resource) -> tuple[float, float]:
    """Return the minimum and maximum of instances."""
    return _count(resource, "minInstanceCount", 0), _count(resource, "maxInstanceCount", _DEFAULT_MAX)


def _count(resource: Resource, field: str, default: float) -> float:
    """Return a number of instances, of the service or else of the revision."""
    own = at(resource.inputs, "scaling", field)
    return number(own if own is not None else at(resource.inputs, "template", "scaling", field), default)


def priced(size: RunSize, region: str, usage: Usage) -> Priced:
    capacity = usage.capacity(size.cpu, bool(size.gpu))
    charges = _always(size, usage, capacity) if size.always else _by_request(size, usage, capacity)
    charges.append(Charge.by_use("gcp/egress", usage.egress_gb))
    missing = capacity is None and usage.requests > 0
    return Priced(
        region,
        tuple(charges),
        note=_note(size),
        unknown=("the busy time, because the model's throughput is not known",) if missing else (),
        remarks=tuple(_remarks(size, usage, capacity)),
        serves=True,
        capacity_known=capacity is not None,
    )


def _note(size: RunSize) -> str:
    billing = "instance-based" if size.always else "request-based"
    gpu = f" and {size.gpu}" if size.gpu else ""
    each = f"{size.billed_cpu:g} vCPU, {size.memory_gib:g} GiB{gpu}"
    return f"{size.least:g} to {size.most:g} of {each}; {billing}"


def _remarks(size: RunSize, usage: Usage, capacity: float | None) -> list[str]:
    if capacity is None or usage.instances(capacity, 0, math.inf) <= size.most:
        return []
    needed = usage.instances(capacity, 0, math.inf)
    return [f"the assumed requests need {needed:g} instances; maxInstances is {size.most:g}"]


def _always(size: RunSize, usage: Usage, capacity: float | None) -> list[Charge]:
    busy = usage.instances(capacity, size.least, size.most) if capacity else size.least
    expected = size.least * SECONDS
    if size.least:
        expected += 3600 * usage.busy_hours * (busy - size.least)
    else:
        expected = seconds_from_zero(usage, 1.0 if size.gpu else size.cpu, busy)
    seconds = Charge("", size.least * SECONDS, expected, size.most * SECONDS, _seconds_of_a_million(capacity))
    parts = [_scaled(seconds, "cloud-run/instance-cpu", size.billed_cpu)]
    parts.append(_scaled(seconds, "cloud-run/instance-memory", size.memory_gib))
    if size.gpu:
        key = f"cloud-run/gpu/{size.gpu}{'/zonal' if size.zonal else ''}"
        parts.append(_scaled(seconds, key, 1))
    return parts


def _by_request(size: RunSize, usage: Usage, capacity: float | None) -> list[Charge]:
    active = _active_seconds(size, usage, capacity)
    waiting = max(0.0, size.least * SECONDS - active)
    full = max(size.most, size.least) * SECONDS
    busy = Charge("", 0.0, active, full, _seconds_of_a_million(capacity))
    idle = Charge("", size.least * SECONDS, waiting, 0.0)
    requests = usage.requests / _MILLION
    return [
        _scaled(busy, "cloud-run/request-cpu", size.billed_cpu),
        _scaled(busy, "cloud-run/request-memory", size.memory_gib),
        _scaled(idle, "cloud-run/idle-cpu", size.billed_cpu),
        _scaled(idle, "cloud-run/idle-memory", size.memory_gib),
        Charge("cloud-run/requests", 0.0, requests, requests, 1.0),
    ]


def _active_seconds(size: RunSize, usage: Usage, capacity: float | None) -> float:
    """Return the seconds a month in which an instance has a request under way.

    The instances share the requests evenly. Those that are seldom are billed for their own time, rounded up;
    those that are frequent for the time in which the vCPU work, as long as they share them.
    """
    if capacity is None or not usage.requests or usage.request_seconds is None:
        return 0.0
    instances = usage.instances(capacity, max(size.least, 1), size.most)
    alone = usage.request_seconds / min(1.0, size.cpu)
    billed = _ROUNDING_SECONDS * math.ceil(round(alone / _ROUNDING_SECONDS, 9))
    rate = usage.requests_per_second / instances
    share = max(kept_share(rate, billed), busy_share(rate * usage.request_seconds, size.cpu))
    return usage.busy_hours * 3600 * instances * share


def _seconds_of_a_million(capacity: float | None) -> float:
    return _MILLION / capacity if capacity else 0.0


def _scaled(seconds: Charge, key: str, each: float) -> Charge:
    return Charge(
        key,
        seconds.idle * each,
        seconds.expected * each,
        seconds.maximum * each,
        seconds.per_million * each,
    )
