"""What a cluster's monitoring takes of a service: its scrapes, its rules, and its dashboard. Pure.

`operator` is the Prometheus Operator, as the chart kube-prometheus-stack installs it; `google` is Google's
Managed Service for Prometheus. Pods are scraped, not the Service: with the port of the metrics, a public one
would show them to everyone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..fault import Fault
from ..observability.args import Observability
from ..observability.grafana import dashboard_json
from ..observability.prometheus import OPERATOR_API, RUNBOOKS, Subject, rule_groups
from ..observability.watch import Watch, runbooks_faults, watch_faults
from ..rollouts.second import INSTANCE_LABEL
from . import limits
from .args import Monitoring
from .cloud_monitoring import cloud_monitoring_faults, tunable_signals
from .pod import METRICS, selector_of
from .spec import KubernetesSpec

GOOGLE_API = "monitoring.googleapis.com/v1"
# GKE how-to/managed-prometheus: its collectors run there.
GOOGLE_NAMESPACES = ("gke-gmp-system",)
# Where kube-prometheus-stack is installed by its own instructions.
OPERATOR_NAMESPACES = ("monitoring",)
# The sidecar of Grafana's chart looks for it: github.com/grafana/helm-charts, charts/grafana, sidecar.
DASHBOARD_LABEL = {"grafana_dashboard": "1"}
_SCRAPES = "30s"


def subject_of(spec: KubernetesSpec) -> Subject:
    """Return what rules and dashboard are about: Prometheus' `job` is the service's name in both ways."""
    return Subject(spec.name, spec.namespace, spec.runbooks_url or RUNBOOKS)


def watch_of(spec: KubernetesSpec) -> Watch:
    return Watch.of(spec.service.task, spec.objective, spec.thresholds, jobs=spec.jobs.jobs)


def scraping_namespaces(spec: KubernetesSpec) -> tuple[str, ...]:
    """Return the namespaces whose pods may read the metrics page."""
    if spec.monitoring is Monitoring.GOOGLE:
        return GOOGLE_NAMESPACES
    return tuple(sorted(spec.monitoring_namespaces)) or OPERATOR_NAMESPACES


def scrape_kind(spec: KubernetesSpec) -> tuple[str, str]:
    """Return the API version and the kind of the object that has the pods scraped."""
    operator = spec.monitoring is Monitoring.OPERATOR
    return (OPERATOR_API, "PodMonitor") if operator else (GOOGLE_API, "PodMonitoring")


def scrape_spec(spec: KubernetesSpec) -> dict[str, Any]:
    labels = {INSTANCE_LABEL: spec.name} if spec.runs_two else selector_of(spec)
    return _scrape_spec(spec, labels, spec.name)


def worker_scrape_spec(spec: KubernetesSpec, name: str) -> dict[str, Any]:
    """Return what has the workers scraped. name: of their objects, and of their `job`."""
    return _scrape_spec(spec, selector_of(spec, name), name)


def _scrape_spec(spec: KubernetesSpec, labels: Mapping[str, str], job: str) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"port": METRICS, "path": spec.metrics_page, "interval": _SCRAPES}
    selector = {"matchLabels": dict(labels)}
    if spec.monitoring is Monitoring.GOOGLE:
        return {"selector": selector, "endpoints": [endpoint]}
    # The operator's own job is <namespace>/<PodMonitor>; Google's is the PodMonitoring's name.
    endpoint["relabelings"] = [{"targetLabel": "job", "replacement": job}]
    return {"selector": selector, "podMetricsEndpoints": [endpoint]}


def rules_kind(spec: KubernetesSpec) -> tuple[str, str]:
    operator = spec.monitoring is Monitoring.OPERATOR
    return (OPERATOR_API, "PrometheusRule") if operator else (GOOGLE_API, "Rules")


def rules_spec(spec: KubernetesSpec) -> dict[str, Any]:
    return {"groups": rule_groups(subject_of(spec), watch_of(spec))}


def dashboard_data(spec: KubernetesSpec) -> dict[str, str]:
    return {dashboard_file(subject_of(spec)): dashboard_json(subject_of(spec), watch_of(spec))}


def dashboard_file(subject: Subject) -> str:
    """Return the name of its file; the sidecar puts those of all namespaces into one folder."""
    # Neither has an underscore, but both have hyphens.
    return f"slipway-{subject.namespace}_{subject.name}.json"


def monitoring_labels(spec: KubernetesSpec) -> dict[str, str]:
    """Return labels by which an operator's Prometheus selects its objects."""
    return dict(spec.monitoring_labels) if spec.monitoring is Monitoring.OPERATOR else {}


def monitoring_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what no monitoring could take."""
    monitoring = spec.monitoring
    if monitoring is Monitoring.GOOGLE and not spec.on_gke:
        allowed = "set it to operator where the Prometheus Operator is installed, or leave it out"
        yield Fault("monitoring", "'google'", allowed, ", which is for GKE's Managed Prometheus")
    if monitoring is Monitoring.NONE:
        needing = ("metrics_path", "objective")
        if spec.observability is Observability.OFF:
            needing = (*needing, "thresholds", "runbooks_url")
        for key in needing:
            if getattr(spec, key):
                given = repr(spec.metrics_path) if key == "metrics_path" else "given"
                allowed = "set it to operator where the Prometheus Operator is installed, or leave this out"
                yield Fault(key, given, allowed, "without `monitoring`, so nothing reads the metrics")
    if monitoring is not Monitoring.OPERATOR:
        for key in ("monitoring_labels", "monitoring_namespaces"):
            if getattr(spec, key):
                reason = f"with `monitoring` {monitoring.value}"
                yield Fault(key, "given", "leave it out, or set `monitoring` to operator", reason)
    yield from _name_faults(spec)
    yield from cloud_monitoring_faults(spec)
    yield from watch_faults(spec.service.task, spec.objective, spec.thresholds, tunable_signals(spec))
    yield from runbooks_faults(spec.runbooks_url)


def _name_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    for namespace in spec.monitoring_namespaces:
        if not limits.LABEL_NAME.fullmatch(namespace):
            allowed = "a namespace has 1 to 63 lowercase letters, digits and hyphens"
            yield Fault("monitoring_namespaces", repr(namespace), allowed, verb="has")
    for key, value in spec.monitoring_labels.items():
        if not (limits.LABEL_KEY.fullmatch(key) and limits.LABEL_VALUE.fullmatch(value)):
            yield Fault("monitoring_labels", f"{key}={value}", "it must be a label of Kubernetes", verb="has")


def monitoring_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what the cluster must have."""
    if spec.monitoring is Monitoring.OPERATOR:
        yield (
            f"the Prometheus Operator ({OPERATOR_API}) must be in the cluster, for its PodMonitor and "
            "PrometheusRule. By default kube-prometheus-stack reads only what has its release as a label: "
            "`monitoring_labels`."
        )
