"""What Cloud Monitoring charges for the alarms of a service, and for the samples that it sends. Pure.

An alarm costs by its condition, and by each series that its query returns each time it is evaluated. The
clauses of PromQL between comparisons and set operators return one series each, because every alarm is about
the service as a whole: so counts docs.cloud.google.com/monitoring/alerts/cost-control. A collector sends the
server's page every thirty seconds, while an instance runs.
"""

import re

from slipway.infra.cost import cloud_run, pods
from slipway.infra.cost.charge import Charge, NotPriced, Priced, Scene, Verdict
from slipway.infra.cost.usage import HOURS, SECONDS
from slipway.infra.resources.google import CLOUD_RUN
from slipway.infra.resources.kubernetes import DEPLOYMENT
from slipway.infra.resources.reading import UNKNOWN, Resource, at, items_at

_MILLION = 1e6
_MIB = 1024**2
# cloud.google.com/stackdriver/pricing: a value of a distribution counts as so many bytes.
_DISTRIBUTION_BYTES = 80
# docs.cloud.google.com/monitoring/api/ref_v3: evaluationInterval, where nothing is said.
_DEFAULT_SECONDS = 30.0
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_OPERATOR = re.compile(r"[<>=!]=|[<>]|\b(?:and|or|unless)\b")
# Series of the page of a classifier that has answered: 43, and ten histograms with 20 buckets each at most,
# of which those that are empty are not billed. Measured on 2026-11-30.
_SAMPLES = 260
_SCRAPED_SECONDS = 30.0
_WRITE_METRICS = "roles/monitoring.metricWriter"
# A query that is not known before its check is made has one.
_UNKNOWN_CLAUSES = 1


def alert_policy(resource: Resource, _scene: Scene) -> Verdict:
    conditions = items_at(resource.inputs, "conditions")
    evaluated = sum(_evaluations(at(each, "conditionPrometheusQueryLanguage")) for each in conditions)
    charges = [
        Charge.always("cloud-monitoring/condition", len(conditions)),
        Charge.always("cloud-monitoring/evaluated-series", evaluated / _MILLION),
    ]
    return Priced("", tuple(charges), note="an alarm, by its condition and its evaluations")


def log_metric(_resource: Resource, _scene: Scene) -> Verdict:
    """Price a metric of the log by its values: one distribution a minute of the one revision that writes."""
    kept = _DISTRIBUTION_BYTES * SECONDS / 60 / _MIB
    charge = Charge.always("cloud-monitoring/log-metrics", kept)
    return Priced("", (charge,), note="a metric of the log, with one value a minute")


def _evaluations(condition: object) -> float:
    """Return how many series a condition of PromQL returns in a month; none for one of the log."""
    query = at(condition, "query")
    if not isinstance(query, str):
        return 0.0
    interval = at(condition, "evaluationInterval")
    seconds = float(interval.removesuffix("s")) if isinstance(interval, str) else _DEFAULT_SECONDS
    return clauses(query) * SECONDS / seconds


def clauses(query: str) -> int:
    """Count the clauses that read a metric."""
    if query == UNKNOWN:
        return _UNKNOWN_CLAUSES
    # What selects a metric is in braces, and compares labels.
    plain = re.sub(r"\{[^{}]*\}", "{}", _QUOTED.sub('""', query))
    return sum("{" in clause for clause in _OPERATOR.split(plain))


def is_writer(resource: Resource) -> bool:
    """Return whether the grant lets a collector write metrics."""
    return resource.inputs.get("role") == _WRITE_METRICS


def metrics_writer(scene: Scene) -> Verdict:
    """Price the samples of a service on Cloud Run, by the right to write them."""
    [*services] = scene.of_type(CLOUD_RUN)
    if len(services) != 1:
        return NotPriced("which instances send samples is not known")
    return _samples(*cloud_run.instances(services[0]), scene)


def pod_monitoring(resource: Resource, scene: Scene) -> Verdict:
    """Price the samples of the pods that Managed Service for Prometheus reads."""
    [*workloads] = [each for each in scene.siblings(resource) if each.type == DEPLOYMENT]
    if len(workloads) != 1:
        return NotPriced("how many pods Google bills the samples of is not known")
    return _samples(*pods.counts(workloads[0], scene), scene)


def _samples(least: float, most: float, scene: Scene) -> Priced:
    of_an_instance = _SAMPLES * SECONDS / _SCRAPED_SECONDS / _MILLION
    busy = max(least, min(1.0, most)) * scene.usage.busy_hours / HOURS
    charge = Charge(
        "cloud-monitoring/samples",
        least * of_an_instance,
        max(least, busy) * of_an_instance,
        most * of_an_instance,
    )
    return Priced("", (charge,), note=f"at most {_SAMPLES} samples of an instance every 30 s")
