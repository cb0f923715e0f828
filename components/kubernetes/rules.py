"""Checks whether Kubernetes would run a service, against every limit of limits.py, and collects all faults.

Pure. A fault says what was given, what is allowed and where to change it; a warning lets the service pass.
"""

import math
from collections.abc import Iterator

from ..checking import Rules
from ..endpoints import later_address_warnings
from ..fault import Fault
from ..google.log_buckets import google_retention_faults
from ..traces import traces_faults
from . import timing
from .args import KubernetesServiceArgs
from .capacity import capacity_faults
from .driver import driver_faults, driver_warnings
from .image_rules import image_warnings
from .interceptor import interceptor_faults, interceptor_warnings
from .job_database import database_warnings
from .keda import keda_faults, keda_warnings
from .kserve import kserve_faults, kserve_warnings
from .model import model_faults, model_warnings
from .monitoring import monitoring_faults, monitoring_warnings
from .name_rules import name_faults, name_warnings
from .rollout import rollout_faults, rollout_warnings
from .scaling import scaling_faults, scaling_warnings
from .spec import KubernetesSpec
from .worker_scaling import worker_scaling_warnings
from .workers import worker_faults

# What a stack knows once the image and the cluster are made.
LATER = ("image_ref", "node_selector", "kubeconfig", "cluster_identifier")


def spec_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what Kubernetes would refuse, or accept and then not run."""
    yield from spec.service.faults()
    yield from name_faults(spec)
    yield from _quantity_faults(spec)
    if math.isfinite(spec.service.cpu) and math.isfinite(spec.service.memory_gib):
        yield from capacity_faults(spec)
    yield from driver_faults(spec)
    yield from rollout_faults(spec)
    yield from scaling_faults(spec)
    yield from keda_faults(spec)
    yield from interceptor_faults(spec)
    yield from model_faults(spec)
    yield from kserve_faults(spec)
    yield from monitoring_faults(spec)
    yield from worker_faults(spec)
    yield from _retention_faults(spec)
    yield from traces_faults(spec.traces, spec.service.env, has_store=spec.on_gke)


checked_spec = Rules(KubernetesSpec, KubernetesServiceArgs, spec_faults, LATER).checked


def spec_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what is allowed but needs attention."""
    yield from driver_warnings(spec)
    yield from rollout_warnings(spec)
    yield from _notice_warnings(spec)
    if spec.network_policy and not spec.with_kserve:
        yield from later_address_warnings(spec.service.env, "the pods' NetworkPolicy")
    yield from scaling_warnings(spec)
    yield from keda_warnings(spec)
    yield from interceptor_warnings(spec)
    yield from name_warnings(spec)
    yield from image_warnings(spec)
    yield from model_warnings(spec)
    yield from kserve_warnings(spec)
    yield from monitoring_warnings(spec)
    yield from database_warnings(spec)
    yield from worker_scaling_warnings(spec)


def _retention_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what Cloud Logging does not offer; elsewhere the cluster's own log store decides."""
    if spec.on_gke:
        yield from google_retention_faults(spec.log_retention)
    elif spec.log_retention:
        allowed = "leave it out: the store that the cluster sends its logs to decides how long it keeps them"
        yield Fault("log_retention", "given", allowed, ", but only GKE keeps logs by kind")


def _quantity_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    cpu, mib = spec.service.cpu, spec.service.memory_mib
    if math.isfinite(cpu) and not math.isclose(cpu * 1000, round(cpu * 1000), abs_tol=1e-6):
        nearest = max(round(cpu, 3), 0.001)
        yield Fault("cpu", f"{cpu:.10g}", "Kubernetes counts in thousandths of a vCPU", nearest=nearest)
    if math.isfinite(mib) and mib != int(mib):
        reason = f", which is {mib:.10g} MiB"
        nearest = round(mib) / 1024
        yield Fault("memory_gib", f"{spec.service.memory_gib:.10g}", "it must be whole MiB", reason, nearest)
    for key in ("node_start_seconds", "node_notice_seconds"):
        seconds: float | None = getattr(spec, key)
        if seconds is not None and not 0 <= seconds <= 7200:
            yield Fault(key, f"{seconds:g}", "it must be from 0 to 7200 seconds")


def _notice_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of requests that a pod cannot finish when its node is taken away."""
    notice, timeout = spec.node_notice_seconds, spec.service.request_timeout_seconds
    if notice is None or timing.end_seconds(spec) <= notice or timeout <= notice / 2:
        return
    yield (
        f"requests may take {timeout:g} s, and a pod whose node is taken away or upgraded has {notice:g} s: "
        "requests that take longer than what is left are cut, and callers must try again."
    )
