"""Charges of what watches a service with CloudWatch: alarms by what they read, dashboards. Pure.

Source: aws.amazon.com/cloudwatch/pricing. An alarm of standard resolution is billed for each metric that it
reads, its expressions are not.
"""

from slipway.infra.cost.aws import region_of
from slipway.infra.cost.charge import Charge, Priced, Scene, Verdict
from slipway.infra.resources.aws import DASHBOARD
from slipway.infra.resources.reading import Resource, at, items_at

# Of an account; here a stack is taken to have the account for itself.
_FREE_DASHBOARDS = 3


def metric_alarm(resource: Resource, _scene: Scene) -> Verdict:
    queries = items_at(resource.inputs, "metricQueries")
    count = sum(at(query, "metric") is not None for query in queries) or 1
    charge = Charge.always("cloudwatch/alarm-metric", count)
    noun = "metric" if count == 1 else "metrics"
    return Priced(region_of(resource), (charge,), note=f"an alarm that reads {count} {noun}")


def log_metric_filter(resource: Resource, _scene: Scene) -> Verdict:
    """Price the metric that a filter makes of the log; the filter itself has no charge."""
    charge = Charge.always("cloudwatch/metric", 1)
    return Priced(region_of(resource), (charge,), note="a metric of the log")


def composite_alarm(resource: Resource, _scene: Scene) -> Verdict:
    charge = Charge.always("cloudwatch/composite-alarm", 1)
    return Priced(region_of(resource), (charge,), note="an alarm that reads other alarms")


def dashboard(resource: Resource, scene: Scene) -> Verdict:
    """Price a dashboard beyond the third of the stack."""
    position = [each.urn for each in scene.of_type(DASHBOARD)].index(resource.urn)
    if position >= _FREE_DASHBOARDS:
        return Priced(region_of(resource), (Charge.always("cloudwatch/dashboard", 1),), note="a dashboard")
    note = f"one of the {_FREE_DASHBOARDS} dashboards that an account has without a charge"
    return Priced(region_of(resource), (), note=note)
