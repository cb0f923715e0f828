"""Judges a worker pool of Cloud Run as it is sent: Google's own messages, then its documented limits.

It knows nothing of the arguments. `python -m tests.contract.worker_pool_judge` reads a JSON form a line and
answers a verdict a line; a process of its own, as cloud_run_judge.py is.
DOCS: docs.cloud.google.com/run/docs/configuring/workerpools. RUNPB: google-cloud-run 0.16.2.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud import run_v2
from google.protobuf.json_format import ParseError

# DOCS cpu, memory-limits: vCPU -> the least and the most memory in MiB.
_MEMORY = {1: (512, 4096), 2: (512, 8192), 4: (2048, 16384), 6: (4096, 24576), 8: (4096, 32768)}
_QUANTITY = {"Mi": 1, "Gi": 1024}
# DOCS gpu: what an accelerator takes.
_GPUS = {"nvidia-l4": (4, 16384), "nvidia-rtx-pro-6000": (20, 81920)}
# unix(7): the path of a socket, of which PostgreSQL takes the end.
_SOCKET_BYTES = 107


def _container(pool: run_v2.WorkerPool) -> run_v2.Container:
    return pool.template.containers[0]


def _cpu(pool: run_v2.WorkerPool) -> int:
    text = _container(pool).resources.limits["cpu"]
    return int(text) if text.isdigit() else 0


def _memory_mib(pool: run_v2.WorkerPool) -> int:
    text = _container(pool).resources.limits["memory"]
    return int(text[:-2]) * _QUANTITY[text[-2:]]


def _size_is_offered(pool: run_v2.WorkerPool) -> bool:
    gpu = pool.template.node_selector.accelerator
    if gpu == "nvidia-rtx-pro-6000":
        return True
    low, high = _MEMORY.get(_cpu(pool), (1, 0))
    return low <= _memory_mib(pool) <= high


def _gpu_has_what_it_needs(pool: run_v2.WorkerPool) -> bool:
    gpu = pool.template.node_selector.accelerator
    count = _container(pool).resources.limits.get("nvidia.com/gpu")
    if not gpu:
        return count is None
    cpu, mib = _GPUS[gpu]
    return count == "1" and _cpu(pool) >= cpu and _memory_mib(pool) >= mib


def _probes_are_of_http(pool: run_v2.WorkerPool) -> bool:
    """DOCS healthchecks: a probe names its port, because a worker has none."""
    probes = (_container(pool).startup_probe, _container(pool).liveness_probe)
    patience = probes[0].failure_threshold * probes[0].period_seconds
    named = all(
        each.http_get.port == 8080 and 1 <= each.timeout_seconds <= each.period_seconds for each in probes
    )
    return named and 1 <= patience <= 240


def _environment_is_allowed(pool: run_v2.WorkerPool) -> bool:
    names = [each.name for each in _container(pool).env]
    reserved = {"PORT", "CLOUD_RUN_WORKER_POOL", "CLOUD_RUN_WORKER_POOL_REVISION"}
    return len(names) == len(set(names)) and not reserved & set(names)


def _volumes_are_mounted(pool: run_v2.WorkerPool) -> bool:
    mounts = {each.name: each.mount_path for each in _container(pool).volume_mounts}
    instances = [
        name
        for volume in pool.template.volumes
        if mounts.get(volume.name) == "/cloudsql"
        for name in volume.cloud_sql_instance.instances
    ]
    fit = all(len(f"/cloudsql/{name}/.s.PGSQL.5432") <= _SOCKET_BYTES for name in instances)
    return fit and {volume.name for volume in pool.template.volumes} == set(mounts)


def _address_is_mounted(pool: run_v2.WorkerPool) -> bool:
    """DOCS sql/connect-run: the host of an address is the path of a mounted instance."""
    plain = next((each.value for each in _container(pool).env if each.name == "JOBS_DATABASE"), "")
    mounted = [name for volume in pool.template.volumes for name in volume.cloud_sql_instance.instances]
    return not plain or plain.partition("host=/cloudsql/")[2] in mounted


RULES: Mapping[str, Callable[[run_v2.WorkerPool], bool]] = {
    "the pool's name has at most 49 lowercase letters, digits and hyphens": lambda p: bool(
        re.fullmatch(
            r"projects/[a-z][a-z0-9:.-]+/locations/[a-z]+-[a-z]+[0-9]+/workerPools/[a-z]([a-z0-9-]{0,47}[a-z0-9])?",
            p.name,
        )
    ),
    "a worker has no port": lambda p: not any(each.ports for each in p.template.containers),
    "every image has its digest": lambda p: all(
        re.search(r"@sha256:[0-9a-f]{64}$", each.image) for each in p.template.containers
    ),
    "the size is offered": _size_is_offered,
    "a GPU has what it needs": _gpu_has_what_it_needs,
    "the number of workers is fixed": lambda p: p.scaling.manual_instance_count >= 0,
    "all instances run the latest revision": lambda p: (
        [(each.type_.name, each.percent) for each in p.instance_splits]
        == [("INSTANCE_SPLIT_ALLOCATION_TYPE_LATEST", 100)]
    ),
    "a probe names its port, and gives up within 240 s": _probes_are_of_http,
    "the environment is allowed": _environment_is_allowed,
    "it is told that it is a worker": lambda p: any(
        (each.name, each.value) == ("ROLE", "worker") for each in _container(p).env
    ),
    "every secret's version is a number": lambda p: all(
        each.value_source.secret_key_ref.version.isdigit()
        for each in _container(p).env
        if each.value_source.secret_key_ref.secret
    ),
    "what is mounted is there, and its socket's path is short enough": _volumes_are_mounted,
    "the database's address is what is mounted": _address_is_mounted,
    "it runs as its own account": lambda p: p.template.service_account.endswith(".iam.gserviceaccount.com"),
    "egress names a network": lambda p: (
        bool(p.template.vpc_access.network_interfaces) is bool(p.template.vpc_access.egress)
    ),
}


def verdict(form: str) -> dict[str, Any]:
    untyped: Any = run_v2.WorkerPool
    try:
        pool = untyped.from_json(form, ignore_unknown_fields=False)
    except ParseError as error:
        return {"refused": str(error), "broken": []}
    return {"refused": None, "broken": [name for name, holds in RULES.items() if not holds(pool)]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(line)), flush=True)
