"""Our rules for alarms, topic and dashboard, read backwards from the calls that make them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway.components.fargate.jobs.counts import FIELDS
from tests.contract.cloudwatch_metrics import METRICS
from tests.contract.fargate_calls import Made

# BC cloudwatch PutMetricAlarm: Period, EvaluationPeriods.
_DAY, _WEEK, _HOUR = 86_400, 604_800, 3600
# docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits: metrics of a dashboard, and of one
# of its panels; the size is that of the API's reference.
_PANEL_METRICS, _BODY_BYTES = 500, 512 * 1024
# Of a dashboard that counts among the free ones.
_FREE_METRICS = 50
_OWN = "Slipway"
# Of one alarm: all queries (registry.terraform.io/providers/hashicorp/aws, cloudwatch_metric_alarm,
# metric_query), and those that read a metric (DOCS cloudwatch_limits).
_QUERIES, _QUERIED_METRICS = 20, 10


def _readings(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str, str, frozenset[str], int]]:
    """Yield namespace, metric, statistic, names of dimensions and period of what an alarm reads."""
    if "Metrics" not in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        names = frozenset(each["Name"] for each in alarm["Dimensions"])
        yield alarm["Namespace"], alarm["MetricName"], statistic, names, alarm["Period"]
        return
    for query in alarm["Metrics"]:
        if stat := query.get("MetricStat"):
            metric = stat["Metric"]
            names = frozenset(each["Name"] for each in metric["Dimensions"])
            yield metric["Namespace"], metric["MetricName"], stat["Stat"], names, stat["Period"]


def _is_published(namespace: str, metric: str, statistic: str, dimensions: frozenset[str]) -> bool:
    if namespace.startswith(f"{_OWN}/"):  # of the lines of its log
        return metric in FIELDS and not dimensions and statistic == "Maximum"
    if namespace == _OWN:
        return dimensions == frozenset({"service"}) and statistic in ("Maximum", "Sum")
    published = METRICS.get((namespace, metric))
    if published is None or dimensions not in published.dimensions:
        return False
    family = re.sub(r"^(PR(?=\()|p(?=[0-9])).*", r"\1", statistic)
    return family in published.statistics


def _alarms_read_what_is_there(made: Made) -> bool:
    return all(
        _is_published(namespace, metric, statistic, dimensions)
        for alarm in made.all("PutMetricAlarm")
        for namespace, metric, statistic, dimensions, _ in _readings(alarm)
    )


def _thresholds_have_the_unit(made: Made) -> bool:
    """Check that a share is from 0 to 1, a percentage not below 1, and a count no share."""
    for alarm in made.all("PutMetricAlarm"):
        if "Metrics" in alarm:  # every expression is a share, apart from that of targets
            counts = all(metric.endswith("HostCount") for _, metric, *_ in _readings(alarm))
            if not counts and not 0 <= alarm["Threshold"] <= 1:
                return False
            continue
        published = METRICS.get((alarm["Namespace"], alarm["MetricName"]))
        counts = alarm.get("Statistic") == "SampleCount"
        if published and published.unit == "Percent" and not counts and not 1 < alarm["Threshold"] <= 100:
            return False
    return True


def _periods_are_evaluated(made: Made) -> bool:
    for alarm in made.all("PutMetricAlarm"):
        periods = {period for *_, period in _readings(alarm)}
        if len(periods) != 1:
            return False
        [period] = periods
        whole = period * alarm["EvaluationPeriods"]
        if period % 60 or whole > (_WEEK if period >= _HOUR else _DAY):
            return False
        if not 1 <= alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]:
            return False
    return True


def _expressions_are_whole(made: Made) -> bool:
    """Check that an expression names only what stands before it, and that one value is watched."""
    for alarm in made.all("PutMetricAlarm"):
        known: set[str] = set()
        queries = alarm.get("Metrics", [])
        for query in queries:
            words = set(re.findall(r"[a-z]\w*", query.get("Expression", "")))
            if not words <= known or not re.fullmatch(r"[a-z]\w*", query["Id"]):
                return False
            known.add(query["Id"])
        if len(queries) > _QUERIES or sum("MetricStat" in query for query in queries) > _QUERIED_METRICS:
            return False
        if queries and (sum(query["ReturnData"] for query in queries) != 1 or len(known) != len(queries)):
            return False
    return True


def _only_life_alarms_without_data(made: Made) -> bool:
    """Check that an alarm takes missing data for bad only of metrics that are there without a request."""
    return all(
        METRICS[namespace, metric].quiet
        for alarm in made.all("PutMetricAlarm")
        if alarm["TreatMissingData"] == "breaching"
        for namespace, metric, *_ in _readings(alarm)
    )


def _alarms_say_what_to_do(made: Made) -> bool:
    alarms = [*made.all("PutMetricAlarm"), *made.all("PutCompositeAlarm")]
    read = {name for one in made.all("PutCompositeAlarm") for name in _named(one["AlarmRule"])}
    names = [alarm["AlarmName"] for alarm in alarms]
    return len(names) == len(set(names)) and all(
        alarm["AlarmName"] in read or re.search(r" What to do: \S+#slipway[a-z]+$", alarm["AlarmDescription"])
        for alarm in alarms
    )


def _named(rule: str) -> list[str]:
    return re.findall(r'ALARM\("([^"]+)"\)', rule)


def _composite_alarms_read_others(made: Made) -> bool:
    there = {alarm["AlarmName"] for alarm in made.all("PutMetricAlarm")}
    return all(
        re.fullmatch(r'ALARM\("[^"]+"\)( AND ALARM\("[^"]+"\))+', one["AlarmRule"])
        and there.issuperset(_named(one["AlarmRule"]))
        for one in made.all("PutCompositeAlarm")
    )


def _everybody_named_is_told(made: Made) -> bool:
    """Check that alarms go to the one topic or nowhere, and that it admits just alarms and one rule."""
    read = {name for one in made.all("PutCompositeAlarm") for name in _named(one["AlarmRule"])}
    alarms = [*made.all("PutMetricAlarm"), *made.all("PutCompositeAlarm")]
    told = {tuple(each.get("AlarmActions", ())) for each in alarms if each["AlarmName"] not in read}
    silent = all("AlarmActions" not in each for each in alarms if each["AlarmName"] in read)
    if not made.all("CreateTopic"):
        return told <= {()} and not made.all("PutRule")
    arn = made.one("Subscribe")["TopicArn"]
    statements = json.loads(made.one("SetTopicAttributes")["AttributeValue"])["Statement"]
    senders = {
        one["Principal"]["Service"]: one["Condition"]["ArnLike"]["aws:SourceArn"] for one in statements
    }
    few = all(one["Action"] == "sns:Publish" and one["Resource"] == arn for one in statements)
    rule = f":rule/{made.one('PutRule')['Name']}"
    admitted = senders.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    return silent and few and admitted and told == {(arn,)} and senders["events.amazonaws.com"].endswith(rule)


def _failed_deployments_are_found(made: Made) -> bool:
    """Check the pattern against an event of ECS: DOCS AmazonECS, ecs_service_deployment_events."""
    for rule in made.all("PutRule"):
        pattern = json.loads(rule["EventPattern"])
        cluster, service = made.service["cluster"], made.service["serviceName"]
        arn = f"{cluster.replace(':cluster/', ':service/')}/{service}"
        if pattern != {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [arn],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        }:
            return False
    for target in (each for one in made.all("PutTargets") for each in one["Targets"]):
        template = target["InputTransformer"]["InputTemplate"]
        paths = target["InputTransformer"]["InputPathsMap"]
        if set(re.findall(r"<(\w+)>", template)) != set(paths) or not isinstance(json.loads(template), str):
            return False
    return True


def _dashboard_fits(made: Made) -> bool:
    """Check size, grid and metrics: DOCS CloudWatch-Dashboard-Body-Structure."""
    for params in made.all("PutDashboard"):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", params["DashboardName"]):
            return False
        widgets = json.loads(params["DashboardBody"])["widgets"]
        places = [
            (x, y) for each in widgets for x in _span(each, "x", "width") for y in _span(each, "y", "height")
        ]
        if len(places) != len(set(places)) or any(x >= 24 for x, _ in places):
            return False
        panels = [each["properties"] for each in widgets if each["type"] == "metric"]
        metrics = [metric for panel in panels for metric in panel["metrics"] if len(metric) > 1]
        if len(metrics) > _FREE_METRICS or any(len(each["metrics"]) > _PANEL_METRICS for each in panels):
            return False
        if not all(_is_drawn(metric) for metric in metrics) or not all(each["region"] for each in panels):
            return False
        alarms = {each["AlarmName"] for each in made.all("PutMetricAlarm")}
        alarms |= {each["AlarmName"] for each in made.all("PutCompositeAlarm")}
        [shown] = [each["properties"]["alarms"] for each in widgets if each["type"] == "alarm"]
        if not alarms.issuperset(arn.partition(":alarm:")[2] for arn in shown):
            return False
        if len(params["DashboardBody"].encode()) > _BODY_BYTES:
            return False
    return True


def _span(widget: Mapping[str, Any], start: str, length: str) -> range:
    return range(widget[start], widget[start] + widget[length])


def _is_drawn(metric: list[Any]) -> bool:
    namespace, name, *dimensions, options = metric
    return _is_published(namespace, name, options["stat"], frozenset(dimensions[::2]))


WATCH_RULES: Mapping[str, Callable[[Made], bool]] = {
    "alarms read metrics that are there": _alarms_read_what_is_there,
    "thresholds have the unit of the metric": _thresholds_have_the_unit,
    "periods can be evaluated": _periods_are_evaluated,
    "expressions are whole": _expressions_are_whole,
    "only what is always there alarms without data": _only_life_alarms_without_data,
    "alarms say what to do": _alarms_say_what_to_do,
    "composite alarms read others": _composite_alarms_read_others,
    "who is named is told": _everybody_named_is_told,
    "failed deployments are found": _failed_deployments_are_found,
    "the dashboard fits": _dashboard_fits,
}
