"""What Cloud Monitoring watches of a service on Cloud Run."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pulumi

from ..fault import Fault
from ..google.monitoring.cloud_run import ROWS
from ..google.monitoring.resources import Place, watch_service
from ..google.monitoring.subject import MonitoredService, matchers, tunable
from ..observability.args import Observability
from ..observability.prometheus import RUNBOOKS, Subject
from ..observability.rules import watched_faults
from ..observability.signals import SIGNALS, TUNABLE
from ..observability.watch import GPU_KEYS, Watch
from . import names
from .args import Ingress
from .collector import collector_faults, collects
from .spec import CloudRunSpec

_TUNABLE = tunable(ROWS, SIGNALS)
# What a scrape of Prometheus has, and Cloud Run has of a service that may scale to zero: no fault.
_QUIET = frozenset(key for key, row in ROWS.items() if row.is_quiet)


def monitor(spec: CloudRunSpec, url: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Create the alarms and the dashboard; nothing with `observability` off. opts: of each resource."""
    if spec.observability is Observability.OFF:
        return
    host = url.apply(lambda known: urlsplit(known).netloc)
    watch_service(watched_of(spec), Place(spec.project, spec.alert_email, host, opts))


def watched_of(spec: CloudRunSpec) -> MonitoredService:
    service = spec.service
    resource = names.resource_filter(spec.region, spec.name)
    return MonitoredService(
        spec.name,
        ROWS,
        matchers(monitored_resource="cloud_run_revision", service_name=spec.name, location=spec.region),
        resource,
        # DCGM, which measures GPUs, runs on nodes that one can reach.
        Watch.of(service.task, spec.objective, spec.thresholds).without_gpus(),
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
    yield from dict.fromkeys(key for key in (*_TUNABLE, *own) if key not in silent)


def monitoring_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    yield from watched_faults(spec.service.task, spec, tuple(_tunable(spec)))
    yield from collector_faults(spec)
