"""What Cloud Monitoring watches of a service on GKE. Pure.

A pod is known by its name, which begins with that of what made it: two services of a namespace may begin
alike, and only their whole names differ.
"""

from collections.abc import Iterator, Mapping

from ..fault import Fault
from ..google.monitoring.job_rows import job_rows
from ..google.monitoring.pods import ROWS
from ..google.monitoring.row import CloudRow
from ..google.monitoring.subject import MonitoredService, matchers, tunable
from ..observability.args import Observability
from ..observability.email import email_faults
from ..observability.prometheus import RUNBOOKS, Subject
from ..observability.signal import WORKER_SUFFIX
from ..observability.signals import SIGNALS, TUNABLE, TUNABLE_OF_JOBS
from ..observability.watch import Watch
from ..rollouts.second import second_name
from . import kserve, workers
from .args import Monitoring
from .pod import CONTAINER
from .spec import KubernetesSpec

_RESOURCE = "k8s_container"


def watched_of(spec: KubernetesSpec) -> MonitoredService:
    """Return what is watched: requests only where Managed Service for Prometheus reads the server."""
    runbooks = spec.runbooks_url or RUNBOOKS
    place = {"cluster_name": spec.cluster_name} if spec.cluster_name else {}
    place |= {"namespace_name": spec.namespace, "container_name": _container(spec)}
    selector = matchers(monitored_resource=_RESOURCE, **place)
    watch = Watch.of(spec.service.task, spec.objective, spec.thresholds, jobs=spec.jobs.jobs)
    is_read = spec.monitoring is Monitoring.GOOGLE
    return MonitoredService(
        spec.name,
        rows_of(spec),
        f'{selector},pod_name=~"{_pods(spec)}"',
        log_lines(spec),
        watch if spec.service.gpu else watch.without_gpus(),
        int(spec.service.max_replicas),
        spec.scales,
        own=Subject(spec.name, spec.namespace, runbooks) if is_read else None,
        runbooks=runbooks,
    )


def counts_jobs(spec: KubernetesSpec) -> bool:
    """Return whether jobs are counted from the log: where nothing reads the metrics of who works on them."""
    return spec.jobs.jobs and spec.on_gke and spec.monitoring is not Monitoring.GOOGLE


def rows_of(spec: KubernetesSpec) -> Mapping[str, CloudRow]:
    return {**ROWS, **job_rows(spec.name, _RESOURCE)} if counts_jobs(spec) else ROWS


def log_lines(spec: KubernetesSpec) -> str:
    """Return the filter of Cloud Logging for all that the service's containers write.

    A second version's and the workers' are among them, so that their lines are kept as long and raise the
    same alarm.
    """
    others = [second_name(spec.name)] if spec.runs_two else []
    others += [workers.worker_name(spec.name)] if spec.jobs.jobs else []
    endings = "|".join(other.removeprefix(spec.name) for other in others)
    ending = f"({endings})?" if endings else ""
    container = f'="{_container(spec)}"'
    if spec.jobs.jobs:
        container = f'=~"^({_container(spec)}|{workers.CONTAINER})$"'
    return _lines(spec, container, _pods(spec, ending))


def job_lines(spec: KubernetesSpec) -> str:
    """Return the filter for who writes the line of jobs: workers, or the service where none may run."""
    if spec.jobs.min_workers:
        return _lines(spec, f'="{workers.CONTAINER}"', _pods(spec, WORKER_SUFFIX))
    return _lines(spec, f'="{_container(spec)}"', _pods(spec))


def _lines(spec: KubernetesSpec, container: str, pods: str) -> str:
    lines = [
        f'resource.type="{_RESOURCE}"',
        *([f'resource.labels.cluster_name="{spec.cluster_name}"'] if spec.cluster_name else []),
        f'resource.labels.namespace_name="{spec.namespace}"',
        f"resource.labels.container_name{container}",
        f'resource.labels.pod_name=~"^{pods}$"',
    ]
    return " AND ".join(lines)


def _container(spec: KubernetesSpec) -> str:
    return kserve.CONTAINER if spec.with_kserve else CONTAINER


def _pods(spec: KubernetesSpec, second: str = "") -> str:
    """Return a regular expression of the pods' names. second: what those of another Deployment have more."""
    return f"{spec.name}-predictor-.+" if spec.with_kserve else f"{spec.name}{second}-[a-z0-9]+-[a-z0-9]+"


def tunable_signals(spec: KubernetesSpec) -> tuple[str, ...]:
    """Return the signals whose thresholds the service may set."""
    every = (*TUNABLE, *(TUNABLE_OF_JOBS if spec.jobs.jobs else ()))
    read = () if spec.monitoring is Monitoring.NONE else every
    watched = () if spec.observability is Observability.OFF else tunable(rows_of(spec), SIGNALS)
    return tuple(dict.fromkeys((*read, *watched))) or every


def cloud_monitoring_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    yield from email_faults(spec.alert_email)
    level = spec.observability
    if level is Observability.OFF:
        if spec.alert_email:
            allowed = "set it to basic or full, or leave this out"
            yield Fault(
                "alert_email", "given", allowed, "with `observability` off, so nothing raises an alarm"
            )
    elif not spec.on_gke:
        allowed = "set it to off; `monitoring` is for the Prometheus Operator of any cluster"
        yield Fault("observability", repr(level.value), allowed, ", which is Google's, elsewhere than on GKE")
    elif level is Observability.FULL and spec.monitoring is not Monitoring.GOOGLE:
        allowed = "set `monitoring` to google, which sends the server's metrics, or this to basic"
        yield Fault("observability", "'full'", allowed, f"with `monitoring` {spec.monitoring.value}")
