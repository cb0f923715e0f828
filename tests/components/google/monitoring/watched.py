"""Services whose alarms the tests look at."""

from dataclasses import replace
from typing import Any

from slipway.components.google.monitoring import cloud_run, job_rows, pods
from slipway.components.google.monitoring.subject import MonitoredService, matchers
from slipway.components.observability.prometheus import Subject
from slipway.components.observability.watch import Watch

RUN_LABELS = {"monitored_resource": "cloud_run_revision", "service_name": "api", "location": "europe-west4"}
POD_LABELS = {
    "monitored_resource": "k8s_container",
    "cluster_name": "ml",
    "namespace_name": "shop",
    "container_name": "server",
}
RUN_FILTER = 'resource.type="cloud_run_revision" AND resource.labels.service_name="api"'


def on_cloud_run(watch: Watch | None = None, **more: Any) -> MonitoredService:
    return MonitoredService(
        "api",
        cloud_run.ROWS,
        matchers(**RUN_LABELS),
        RUN_FILTER,
        watch or Watch(),
        3,
        True,
        RUN_FILTER,
        outside=True,
        **more,
    )


def with_collector() -> MonitoredService:
    return on_cloud_run(own=Subject("api", "api"))


def on_gke(own: Subject | None = None) -> MonitoredService:
    selector = matchers(**POD_LABELS) + ',pod_name=~"api-[a-z0-9]+-[a-z0-9]+"'
    return MonitoredService(
        "api", pods.ROWS, selector, 'resource.type="k8s_container"', Watch(), 3, True, own=own
    )


def with_jobs() -> MonitoredService:
    """Return a service whose workers write the line of jobs."""
    rows = job_rows.job_rows("api", "cloud_run_worker_pool")
    watched = on_cloud_run(Watch.of("classify", {}, {}, jobs=True))
    of_jobs = tuple(each for each in watched.watch.signals if each.key in rows)
    return replace(watched, rows=rows, watch=replace(watched.watch, signals=of_jobs))


ALL = {
    "cloud-run": on_cloud_run(),
    "cloud-run-full": with_collector(),
    "cloud-run-jobs": with_jobs(),
    "gke": on_gke(),
    "gke-full": on_gke(Subject("api", "shop")),
}
