"""AWS's collector next to a server: it sends traces to X-Ray, and the server's own metrics to CloudWatch.

It reads the page of the metrics on the task's own loopback interface, and writes the metrics as log lines of
which CloudWatch makes metrics (EMF): github.com/open-telemetry/opentelemetry-collector-contrib,
exporter/awsemfexporter. Every metric has one dimension, the service: an instance that is worse shows in the
maximum, and the bill does not grow with the instances. Memory in MiB.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..aws.collector import Pipeline, collector_container
from ..aws.traces import traces_pipeline
from ..fault import Fault
from ..observability.args import Observability
from ..traces import CLOUD
from .cloud_signals import OF_SERVER, SERVER, cloud_signals
from .names import metrics_group_name
from .spec import FargateSpec

# Its name where it only sends traces, which existing tasks have.
_TRACES, _COLLECTOR = "traces", "collector"
# Of the task's memory. Reading a page of metrics takes more than passing spans on.
TRACES_MIB, METRICS_MIB = 128, 256
# service/listener.py: METRICS_PORT
_PORT = 9464
_PAGE = "/metrics"
# The standard resolution: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.
_SCRAPES = "60s"
_STREAM = "metrics"


def sends_metrics(spec: FargateSpec) -> bool:
    return spec.observability is Observability.FULL


def collector_mib(spec: FargateSpec) -> int:
    """Return the memory that the server does not have; 0 without a collector."""
    if sends_metrics(spec):
        return METRICS_MIB
    return TRACES_MIB if spec.traces == CLOUD else 0


def server_metrics(spec: FargateSpec) -> list[str]:
    """Return the names of the server's metrics that CloudWatch shows, as Prometheus' text format has them."""
    readings = [reading for signal in cloud_signals(spec) for reading in signal.readings]
    return sorted({reading.metric for reading in readings if reading.namespace == SERVER})


def collector(spec: FargateSpec, logs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the collector's container; nothing where there is nothing to send."""
    pipelines = [traces_pipeline(spec.region)] if spec.traces == CLOUD else []
    name = _TRACES
    if sends_metrics(spec):
        pipelines.append(_metrics_pipeline(spec))
        name = _COLLECTOR
    if pipelines:
        yield collector_container(name, pipelines, collector_mib(spec), logs)


def _metrics_pipeline(spec: FargateSpec) -> Pipeline:
    names = server_metrics(spec)
    [dimension] = OF_SERVER
    job = {
        "job_name": spec.name,
        "scrape_interval": _SCRAPES,
        "metrics_path": _page(spec),
        "static_configs": [{"targets": [f"localhost:{_port(spec)}"], "labels": {dimension: spec.name}}],
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": "|".join(names), "action": "keep"}
        ],
    }
    exporter = {
        "region": spec.region,
        "namespace": SERVER,
        "log_group_name": metrics_group_name(spec.name),
        "log_stream_name": _STREAM,
        "dimension_rollup_option": "NoDimensionRollup",
        "metric_declarations": [
            {"dimensions": [list(OF_SERVER)], "metric_name_selectors": [f"^{name}$" for name in names]}
        ],
    }
    return Pipeline("metrics", ("prometheus", {"config": {"scrape_configs": [job]}}), ("awsemf", exporter))


def server_environment(spec: FargateSpec) -> dict[str, str]:
    """Return the variable that keeps the page where the collector looks for it."""
    return {"METRICS_PORT": str(_port(spec))} if sends_metrics(spec) else {}


def _port(spec: FargateSpec) -> int:
    """Return the port of the metrics page, which is another than the service's."""
    return int(spec.service.known_env.get("METRICS_PORT", _PORT + (spec.service.port == _PORT)))


def _page(spec: FargateSpec) -> str:
    return spec.service.known_env.get("METRICS_PATH", _PAGE)


def collector_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield why the collector would find no page."""
    if not sends_metrics(spec):
        return
    found = spec.service.known_env
    if (where := found.get("METRICS", "own-port")) != "own-port":
        reason = f", which is {where!r}, with `observability` full: its collector has no key"
        yield Fault("env", "METRICS", "set it to own-port, or leave it out", reason, verb="has")
    port = found.get("METRICS_PORT", str(_PORT))
    if port == "0" or port == f"{spec.service.port:g}":
        reason = f", which is {port}, with `observability` full: its collector looks at one port of its own"
        yield Fault("env", "METRICS_PORT", "name another port, or leave it out", reason, verb="has")
