"""Judges a Cloud Run service as it is sent: Google's own messages, then our rules read backwards.

It knows nothing of the arguments; the tables are the component's, the reading of them is another one.
`python -m tests.contract.cloud_run_judge` reads a JSON form a line and answers a verdict a line. It is a
process of its own, because Google's library and Pulumi's provider both bring a google.rpc.Status.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any, cast

from google.cloud import run_v2
from google.protobuf.json_format import ParseError

from slipway.components.cloud_run import limits
from slipway.components.sizes import CLOUD_RUN_MIB

_QUANTITY = {"Mi": 1.0, "Gi": 1024.0}


def cpu_of(service: run_v2.Service) -> float:
    text = _container(service).resources.limits["cpu"]
    return int(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)


def memory_mib_of(service: run_v2.Service) -> float:
    text = _container(service).resources.limits["memory"]
    return int(text[:-2]) * _QUANTITY[text[-2:]]


def _container(service: run_v2.Service) -> run_v2.Container:
    return service.template.containers[0]


def _beside(service: run_v2.Service) -> list[run_v2.Container]:
    return list(service.template.containers)[1:]


def _has_room(service: run_v2.Service) -> bool:
    """DOCS configuring/services/cpu, memory-limits: at most 8 vCPU and 32 GiB, of all containers."""
    if not _beside(service) or _accelerator(service) == limits.LARGE_GPU:
        return True
    found = [each.resources.limits for each in service.template.containers]
    cpu = sum(
        int(each["cpu"][:-1]) / 1000 if each["cpu"].endswith("m") else float(each["cpu"]) for each in found
    )
    mib = sum(int(each["memory"][:-2]) * _QUANTITY[each["memory"][-2:]] for each in found)
    return cpu <= 8 and mib <= 32 * 1024 and cpu_of(service) >= 1


def _is_gen1(service: run_v2.Service) -> bool:
    return service.template.execution_environment == run_v2.ExecutionEnvironment.EXECUTION_ENVIRONMENT_GEN1


def _seconds(service: run_v2.Service) -> float:
    timeout = cast("timedelta", service.template.timeout)  # what the message makes of its Duration
    return timeout.total_seconds()


def _memory_fits_the_cpu(service: run_v2.Service) -> bool:
    cpu, mib = cpu_of(service), memory_mib_of(service)
    if _accelerator(service) == limits.LARGE_GPU:
        return True
    if cpu < 1:
        return mib <= (512 if cpu < 0.5 else 1024)
    low, high = CLOUD_RUN_MIB.get(int(cpu), (0, 0))
    return mib <= high and (mib >= low or low == limits.GEN2_MIB)


def _cpu_is_offered(service: run_v2.Service) -> bool:
    cpu = cpu_of(service)
    if _accelerator(service) == limits.LARGE_GPU:
        return cpu == int(cpu)
    return cpu in CLOUD_RUN_MIB or 0.08 <= cpu < 1


def _below_one_cpu(service: run_v2.Service) -> bool:
    """One request at a time, CPU in requests only, first generation."""
    if cpu_of(service) >= 1:
        return True
    one = service.template.max_instance_request_concurrency == 1
    return one and _container(service).resources.cpu_idle and _is_gen1(service)


def _accelerator(service: run_v2.Service) -> str:
    return service.template.node_selector.accelerator


def _gpu_has_what_it_needs(service: run_v2.Service) -> bool:
    count = _container(service).resources.limits.get("nvidia.com/gpu")
    if not _accelerator(service):
        return count is None
    gpu = limits.GPUS[_accelerator(service)]
    enough = cpu_of(service) >= gpu.cpu and memory_mib_of(service) >= gpu.memory_mib
    return (
        count == "1"
        and enough
        and not _container(service).resources.cpu_idle
        and _region(service) in gpu.regions
    )


def _region(service: run_v2.Service) -> str:
    return service.name.split("/")[3]


def _probes(service: run_v2.Service) -> Iterable[run_v2.Probe]:
    container = _container(service)
    return (container.startup_probe, container.liveness_probe, container.readiness_probe)


def _environment_is_allowed(service: run_v2.Service) -> bool:
    names = [variable.name for variable in _container(service).env]
    sizes = [len(variable.value.encode()) for variable in _container(service).env]
    reserved = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}
    return (
        len(names) == len(set(names)) <= 1000
        and not reserved & set(names)
        and max(sizes, default=0) <= 32768
        and all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    )


def _secrets_are_pinned(service: run_v2.Service) -> bool:
    references = [
        variable.value_source.secret_key_ref
        for variable in _container(service).env
        if variable.value_source.secret_key_ref.secret
    ]
    return all(reference.version.isdigit() for reference in references)


def _labels_are_allowed(service: run_v2.Service) -> bool:
    texts = chain(service.labels, service.labels.values())
    return len(service.labels) <= 64 and all(re.fullmatch(r"[a-z0-9_-]{0,63}", text) for text in texts)


def _volumes_are_mounted(service: run_v2.Service) -> bool:
    volumes = {volume.name: volume for volume in service.template.volumes}
    mounts = {mount.name for each in service.template.containers for mount in each.volume_mounts}
    buckets = [
        volume
        for volume in volumes.values()
        if not volume.secret.secret and not volume.cloud_sql_instance.instances
    ]
    read_only = all(volume.gcs.bucket and volume.gcs.read_only for volume in buckets)
    return volumes.keys() == mounts and read_only and not (buckets and _is_gen1(service))


def _network_is_named(service: run_v2.Service) -> bool:
    access = service.template.vpc_access
    named = [part for part in access.network_interfaces if part.network or part.subnetwork]
    return bool(named) if access.egress else not access.network_interfaces


RULES: Mapping[str, Callable[[run_v2.Service], bool]] = {
    "the service's name has at most 49 lowercase letters, digits and hyphens": lambda s: bool(
        re.fullmatch(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?", s.name.split("/")[-1])
    ),
    "project and region are named": lambda s: bool(
        re.fullmatch(r"projects/[a-z][a-z0-9:.-]+/locations/[a-z]+-[a-z]+[0-9]+/services/[^/]+", s.name)
    ),
    "one container has the port": lambda s: (
        len(_container(s).ports) == 1
        and 1 <= _container(s).ports[0].container_port <= 65535
        and not any(each.ports for each in _beside(s))
    ),
    "a container beside it waits for it, by its name": lambda s: all(
        each.name and list(each.depends_on) == [_container(s).name] and _container(s).startup_probe
        for each in _beside(s)
    ),
    "an instance has room for all containers": _has_room,
    "every image has its digest": lambda s: all(
        re.search(r"@sha256:[0-9a-f]{64}$", each.image) for each in s.template.containers
    ),
    "the cpu is offered": _cpu_is_offered,
    "the memory fits the cpu": _memory_fits_the_cpu,
    "the memory fits the generation": lambda s: memory_mib_of(s) >= (128 if _is_gen1(s) else 512),
    "below one cpu much is fixed": _below_one_cpu,
    "an instance takes 1 to 1000 requests": lambda s: (
        1 <= s.template.max_instance_request_concurrency <= 1000
    ),
    "a request takes at most an hour": lambda s: 0 < _seconds(s) <= 3600,
    "a GPU has what it needs": _gpu_has_what_it_needs,
    "the start-up probe gives up within 240 s": lambda s: (
        1 <= _container(s).startup_probe.failure_threshold * _container(s).startup_probe.period_seconds <= 240
        and _container(s).startup_probe.initial_delay_seconds <= 240
    ),
    "a probe asks this port and ends before the next": lambda s: all(
        1 <= probe.timeout_seconds <= probe.period_seconds <= 3600
        and [probe.http_get.port] == [port.container_port for port in _container(s).ports]
        and probe.failure_threshold >= 1
        for probe in _probes(s)
    ),
    "the environment is allowed": _environment_is_allowed,
    "every secret's version is a number": _secrets_are_pinned,
    "labels are lowercase letters, digits, _ and -": _labels_are_allowed,
    "the most instances are not below the least": lambda s: (
        0 <= s.scaling.min_instance_count <= s.scaling.max_instance_count
        and s.scaling.max_instance_count >= 1
    ),
    "all traffic goes to the latest revision": lambda s: (
        [(t.type_.name, t.percent, t.revision) for t in s.traffic]
        == [
            ("TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", 100, s.template.revision)
            if s.template.revision
            else ("TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", 100, "")
        ]
    ),
    "a revision's name begins with the service's, in 63 characters": lambda s: (
        not s.template.revision
        or (
            s.template.revision.startswith(f"{s.name.rpartition('/')[2]}-") and len(s.template.revision) <= 63
        )
    ),
    "it runs as its own account": lambda s: s.template.service_account.endswith(".iam.gserviceaccount.com"),
    "mounted buckets are read-only, in the second generation": _volumes_are_mounted,
    "egress names a network": _network_is_named,
}


def service_message(form: str) -> run_v2.Service:
    """Parse a service. Raises ParseError for an unknown field, a wrong type or a wrong choice."""
    untyped: Any = run_v2.Service
    return untyped.from_json(form, ignore_unknown_fields=False)


def verdict(form: str) -> dict[str, Any]:
    try:
        service = service_message(form)
    except ParseError as error:
        return {"refused": str(error), "broken": []}
    return {"refused": None, "broken": [name for name, holds in RULES.items() if not holds(service)]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(line)), flush=True)
