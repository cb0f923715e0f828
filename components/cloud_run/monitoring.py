"""What Cloud Monitoring watches of a service on Cloud Run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import pulumi

from ..fault import Fault
from ..google.monitoring.cloud_run import ROWS
from ..google.monitoring.job_rows import job_rows
from ..google.monitoring.jobs import job_metrics
from ..google.monitoring.resources import Place, watch_service
from ..google.monitoring.row import CloudRow
from ..google.monitoring.subject import MonitoredService, matchers, tunable
from ..observability.args import Observability
from ..observability.prometheus import RUNBOOKS, Subject
from ..observability.rules import watched_faults
from ..observability.signals import JOB_KEYS, SIGNALS, TUNABLE
from ..observability.watch import GPU_KEYS, Watch
from . import names
from .args import Ingress
from .collector import collector_faults, collects
from .spec import CloudRunSpec

# What a scrape of Prometheus has, and Cloud Run has of a service that may scale to zero: no fault.
_QUIET = frozenset(key for key, row in ROWS.items() if row.is_quiet)


def monitor(spec: CloudRunSpec, url: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Create the alarms and the dashboard; nothing with `observability` off. opts: of each resource."""
    if spec.observability is Observability.OFF:
        return
    host = url.apply(lambda known: urlsplit(known).netloc)
    if spec.jobs.jobs:
        job_metrics(spec.name, spec.project, _writers(spec)[1], opts)
    watch_service(watched_of(spec), Place(spec.project, spec.alert_email, host, opts))


def _writers(spec: CloudRunSpec) -> tuple[str, str]:
    """Return who writes the line of jobs: the kind of resource, and the filter of its log.

    The workers do; where none runs, the service does as long as it has CPU.
    """
    if spec.jobs.min_workers:
        return "cloud_run_worker_pool", names.workers_filter(spec.region, spec.name)
    return "cloud_run_revision", names.resource_filter(spec.region, spec.name)


def _rows(spec: CloudRunSpec) -> Mapping[str, CloudRow]:
    return {**ROWS, **job_rows(spec.name, _writers(spec)[0])} if spec.jobs.jobs else ROWS


def _watch(spec: CloudRunSpec) -> Watch:
    """Return what is watched. The collector is next to the server, and reads nothing of the workers."""
    watch = Watch.of(spec.service.task, spec.objective, spec.thresholds, jobs=spec.jobs.jobs).without_gpus()
    unread = JOB_KEYS - _rows(spec).keys()
    return replace(watch, signals=tuple(each for each in watch.signals if each.key not in unread))


def watched_of(spec: CloudRunSpec) -> MonitoredService:
    service = spec.service
    resource = names.resource_filter(spec.region, spec.name)
    return MonitoredService(
        spec.name,
        _rows(spec),
        matchers(monitored_resource="cloud_run_revision", service_name=spec.name, location=spec.region),
        resource,
        # DCGM, which measures GPUs, runs on nodes that one can reach.
        _watch(spec),
        int(service.max_replicas),
        service.max_replicas > service.min_replicas,
        resource,
        outside=_answers_outside(spec),
        own=Subject(spec.name, spec.name) if collects(spec) else None,
        runbooks=spec.runbooks_url or RUNBOOKS,
    )


def _answers_outside(spec: CloudRunSpec) -> bool:
    """Return whether everybody's call gets an answer, and starts no instance for it."""
    is_open = spec.service.public or not spec.check_invokers
    return is_open and spec.ingress is Ingress.ALL and spec.service.min_replicas >= 1


def _tunable(spec: CloudRunSpec) -> Iterator[str]:
    """Yield the signals whose thresholds the service may set: those that raise an alarm of it."""
    missing = set[str]() if _answers_outside(spec) else {"outside"}
    if spec.service.max_replicas <= spec.service.min_replicas:
        missing.add("capacity")
    own = TUNABLE if collects(spec) else ()
    silent = missing | _QUIET | GPU_KEYS
    yield from dict.fromkeys(key for key in (*tunable(_rows(spec), SIGNALS), *own) if key not in silent)


def monitoring_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    yield from watched_faults(spec.service.task, spec, tuple(_tunable(spec)))
    yield from collector_faults(spec)
