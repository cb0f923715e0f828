"""The database that keeps a service's jobs: one that CloudNativePG runs in the cluster, or an existing one.

The operator makes of a Cluster its pods, volumes, Services and a Secret with an address that holds in every
namespace: cloudnative-pg.io/docs; github.com/cloudnative-pg/cloudnative-pg, pkg/specs/secrets.go. Pure.
"""

from collections.abc import Iterator
from typing import Any

from ..fault import Fault
from . import limits
from .spec import DEFAULT_DATABASE_GIB, DEFAULT_DATABASE_INSTANCES, KubernetesSpec

API = "postgresql.cnpg.io/v1"
# docs/src/labels_annotations.md of the operator: what a Cluster's pods have.
CLUSTER_LABEL = "cnpg.io/cluster"
PORT = 5432
# Of one instance, which has short transactions and their rows in memory.
CPU, MEMORY_MIB = 0.5, 1024
_DATABASE = "jobs"
_MOST_GIB, _MOST_INSTANCES = 16_384, 9


def makes_database(spec: KubernetesSpec) -> bool:
    """Return whether the service has a database of its own in the cluster."""
    return spec.jobs.jobs and not spec.jobs.jobs_database


def cluster_name(name: str) -> str:
    return f"{name}-jobs"


def address_reference(spec: KubernetesSpec) -> tuple[str, str]:
    """Return the Secret with the database's address and the key in it, for a spec without a fault."""
    if makes_database(spec):
        return f"{cluster_name(spec.name)}-app", "uri"
    found = limits.SECRET_REFERENCE.fullmatch(spec.jobs.jobs_database)
    return (found["secret"], found["key"]) if found else ("", "")


def cluster_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the Cluster: instances on different nodes, of which one writes and others follow.

    What is committed is on two volumes where there are two instances or more: `dataDurability` preferred
    goes on with one while the other is away.
    """
    instances = int(spec.jobs_database_instances)
    both = {"cpu": f"{round(CPU * 1000)}m", "memory": f"{MEMORY_MIB}Mi"}
    body: dict[str, Any] = {
        "instances": instances,
        "bootstrap": {"initdb": {"database": _DATABASE, "owner": _DATABASE}},
        "storage": {"size": f"{round(spec.jobs_database_gib * 1024)}Mi"},
        "resources": {"requests": both, "limits": both},
        "affinity": {"enablePodAntiAffinity": True, "podAntiAffinityType": "preferred"},
    }
    if instances > 1:
        synchronous = {"method": "any", "number": 1, "dataDurability": "preferred"}
        body["postgresql"] = {"synchronous": synchronous}
    return body


def database_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what is wrong with the database, or is set of one that is not created."""
    if not makes_database(spec):
        yield from _unused_faults(spec)
    reference = spec.jobs.jobs_database
    if reference and not limits.SECRET_REFERENCE.fullmatch(reference):
        allowed = "it must be <secret>/<key>, a Secret of the namespace and a key in it"
        reason = ", which is no reference (its value is not shown)"
        yield Fault("jobs_database", "given", allowed, reason)
    for key, most in (("jobs_database_instances", _MOST_INSTANCES), ("jobs_database_gib", _MOST_GIB)):
        number: float = getattr(spec, key)
        whole = key == "jobs_database_gib" or number % 1 == 0
        if not (1 <= number <= most and whole):
            nearest = min(max(round(number), 1), most) if number == number else None
            yield Fault(key, f"{number:g}", f"it must be from 1 to {most}", nearest=nearest)


def _unused_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    why = ", which is its owner's" if spec.jobs.jobs else ", but the service takes no jobs"
    reason = f"with `jobs_database`{why}" if spec.jobs.jobs else why
    defaults = {
        "jobs_database_instances": DEFAULT_DATABASE_INSTANCES,
        "jobs_database_gib": DEFAULT_DATABASE_GIB,
    }
    for key, default in defaults.items():
        if (number := getattr(spec, key)) != default:
            yield Fault(key, f"{number:g}", "leave it out", reason)


def database_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what the cluster must have, and of what a deletion loses."""
    if not makes_database(spec):
        return
    yield (
        f"CloudNativePG 1.25 or newer ({API}) must be in the cluster: it runs the database of the jobs. "
        "Without the service, or with another `jobs_database`, the database goes, and with it every job and "
        "result."
    )
    if spec.jobs_database_instances < 2:
        yield (
            "`jobs_database_instances` is 1: while its node is away no job is accepted, and a volume that is "
            "lost takes every job along."
        )
