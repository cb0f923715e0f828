"""What Cloud Monitoring reads of jobs: metrics that Cloud Logging makes of the line `Jobs`.

Whatever works with a job database writes that line once a minute, with the numbers of the whole database. A
metric of the log holds a distribution of the values of one field; its mean over a window is the number, also
where several processes write it. DOCS: docs.cloud.google.com/logging/docs/logs-based-metrics.
"""

# Else the annotations import all of `gcp.logging`, for those who only check.
from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from .job_rows import metric_name

LINE = "Jobs"
# Field of the line -> the unit of its metric, in UCUM.
FIELDS: Mapping[str, str] = {
    "jobs_waiting": "1",
    "jobs_running": "1",
    "jobs_set_aside": "1",
    "jobs_oldest_seconds": "s",
}
# One bucket below and one above: the mean needs none, and Google bills by the size of what it keeps.
_BOUNDS = [0.0]


def job_metrics(
    service: str, project: pulumi.Input[str], lines: str, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Create a metric of each field. lines: filter of the log of those who write the line."""
    return [_metric(service, project, lines, field, opts) for field in FIELDS]


def _metric(
    service: str, project: pulumi.Input[str], lines: str, field: str, opts: pulumi.ResourceOptions
) -> gcp.logging.Metric:
    name = metric_name(service, field)
    alone = pulumi.ResourceOptions(delete_before_replace=True)
    return gcp.logging.Metric(
        f"{name}-metric",
        name=name,
        project=project,
        description=f"{field} of {service}, as its line {LINE} has it once a minute",
        filter=f'{lines} AND jsonPayload.message="{LINE}" AND jsonPayload.{field}>=0',
        metric_descriptor={"metric_kind": "DELTA", "value_type": "DISTRIBUTION", "unit": FIELDS[field]},
        value_extractor=f"EXTRACT(jsonPayload.{field})",
        bucket_options={"explicit_buckets": {"bounds": _BOUNDS}},
        opts=pulumi.ResourceOptions.merge(opts, alone),
    )
