"""The numbers of jobs as CloudWatch has them: metrics that it takes from the log's line `Jobs`.

Server and workers write the line once a minute, each with the numbers of the whole queue (service/jobs), so
that a metric is the largest value of a minute. CloudWatch keeps the metrics of a filter without a dimension:
the service is in their namespace.
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from ..spec import FargateSpec

MESSAGE = "Jobs"
WAITING, RUNNING, OLDEST, SET_ASIDE = "jobs_waiting", "jobs_running", "jobs_oldest_seconds", "jobs_set_aside"
FIELDS = (WAITING, RUNNING, OLDEST, SET_ASIDE)
_UNITS: Mapping[str, str] = {OLDEST: "Seconds"}
STATISTIC = "Maximum"


def namespace_of(service: str) -> str:
    """Return the namespace of the metrics of one service's jobs."""
    return f"Slipway/{service}"


def counts_of(
    spec: FargateSpec, log: aws.cloudwatch.LogGroup, parent: pulumi.Resource
) -> list[aws.cloudwatch.LogMetricFilter]:
    """Create the filters, whose names come back with their log group: the old ones go first."""
    return [
        aws.cloudwatch.LogMetricFilter(
            f"{spec.name}-{_written(field)}-filter",
            name=f"{spec.name}-{_written(field)}",
            region=spec.region,
            log_group_name=log.name,
            # docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax: of a JSON line.
            pattern=f'{{ $.message = "{MESSAGE}" && $.{field} >= 0 }}',
            metric_transformation={
                "name": field,
                "namespace": namespace_of(spec.name),
                "value": f"$.{field}",
                "unit": _UNITS.get(field, "Count"),
            },
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
        )
        for field in FIELDS
    ]


def _written(field: str) -> str:
    return field.replace("_", "-")
