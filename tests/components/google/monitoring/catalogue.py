"""Google's metrics that alarms and charts may read, and how a query of PromQL reads them.

Source of metrics.csv: docs.cloud.google.com/monitoring/api/metrics_gcp_p_z and metrics_kubernetes, and
docs.cloud.google.com/monitoring/api/resources; written down on 2026-11-30.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SELECTOR = re.compile(r"([a-z_]+:[a-z_]+)\{([^}]*)\}(\[[^\]]*\])?")
_LABEL = re.compile(r'([a-z_]+)(?:=~|!~|!=|=)"')
_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Metric:
    kind: str
    value: str
    unit: str
    labels: frozenset[str]
    resource: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One selector of a query. function: what a range is handed to; '' where there is none."""

    name: str
    labels: frozenset[str]
    function: str
    text: str


def catalogue() -> Mapping[str, Metric]:
    """Map the name in PromQL of each metric to what it is."""
    with Path(__file__).with_name("metrics.csv").open() as file:
        return {
            promql_name(row["metric"]): Metric(
                row["kind"],
                row["value"],
                row["unit"],
                frozenset(f"{row['labels']} {row['resource_labels']}".split()) | {"monitored_resource"},
                row["resource"],
            )
            for row in csv.DictReader(file)
        }


def promql_name(metric: str) -> str:
    """docs.cloud.google.com/monitoring/promql: the first / is a colon, every other special one _."""
    domain, _, path = metric.partition("/")
    return f"{re.sub(r'[^a-z0-9]', '_', domain)}:{re.sub(r'[^a-z0-9]', '_', path)}"


def readings(query: str) -> Iterator[Reading]:
    for found in _SELECTOR.finditer(query):
        before = re.search(r"([a-z_]+)\($", query[: found.start()])
        ranged = before[1] if found[3] and before else ""
        yield Reading(found[1], frozenset(_LABEL.findall(found[2])), ranged, found[0])


def faults(query: str) -> Iterator[str]:
    """Yield what Cloud Monitoring would refuse of a query, or read as nothing."""
    known = catalogue()
    for reading in readings(query):
        part = next((each for each in _PARTS if reading.name.endswith(each)), "")
        name = reading.name if reading.name in known else reading.name.removesuffix(part)
        metric = known.get(name)
        if metric is None:
            yield f"{reading.name} is no metric"
            continue
        part = reading.name.removeprefix(name)
        if (metric.value == "DISTRIBUTION") is not bool(part):
            yield f"{reading.text} is a {metric.value}"
        if missing := reading.labels - metric.labels:
            yield f"{reading.name} has no label {sorted(missing)}"
        if f'monitored_resource="{metric.resource}"' not in reading.text:
            yield f"{reading.text} names no kind of resource"
        if (reading.function in ("rate", "increase")) is not (metric.kind in ("DELTA", "CUMULATIVE")):
            yield f"{reading.text} is {metric.kind}, and read by {reading.function or 'nothing'}"
