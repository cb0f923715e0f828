"""What CloudWatch, EventBridge and SNS refuse. DOCS: docs.aws.amazon.com.

An alarm, a rule or a dashboard of a name that is there is overwritten, and not refused.
"""

import json
import re
from collections.abc import Iterator, Mapping

from tests.pulumi_engine.strict.account import Account, Request, Rule, Thing, Verb

# DOCS AmazonCloudWatch/latest/APIReference/API_PutDashboard
_DASHBOARD_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_DASHBOARD_BYTES = 1024**2 // 2


def read_alarms_exist(account: Account, request: Request) -> Iterator[str]:
    """Require the alarms of a rule: DOCS AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm."""
    there = {each.inputs["name"] for each in _of_region(account, "cloudwatch.MetricAlarm", request)}
    missing = sorted(set(read_by(request.inputs)) - there)
    if request.verb is not Verb.DELETE and missing:
        names = ", ".join(missing)
        yield f"ValidationError: Could not save the composite alarm as alarms [{names}] do not exist"


def alarm_unread(account: Account, request: Request) -> Iterator[str]:
    """Refuse to delete an alarm that another reads: DOCS AmazonCloudWatch, API_DeleteAlarms."""
    for other in _of_region(account, "cloudwatch.CompositeAlarm", request):
        if request.verb is Verb.DELETE and request.inputs["name"] in read_by(other.inputs):
            name = request.inputs["name"]
            yield f"ValidationError: {name} cannot be deleted as there are composite alarm(s) depending on it"


def alarm_is_whole(_account: Account, request: Request) -> Iterator[str]:
    """Require one metric or queries, one of which is watched: DOCS AmazonCloudWatch, API_PutMetricAlarm."""
    queries: list[Mapping[str, object]] = request.inputs.get("metricQueries") or []
    if request.verb is Verb.DELETE:
        return
    if bool(queries) is bool(request.inputs.get("metricName")):
        yield "ValidationError: exactly one of MetricName and Metrics is required"
    if queries and sum(bool(query.get("returnData")) for query in queries) != 1:
        yield "ValidationError: Exactly one element of the metrics list should return data."


def log_group_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter: ResourceNotFoundException."""
    groups = {each.inputs["name"] for each in _of_region(account, "cloudwatch.LogGroup", request)}
    if request.verb is not Verb.DELETE and request.inputs["logGroupName"] not in groups:
        yield "ResourceNotFoundException: The specified log group does not exist."


def dashboard_fits(_account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonCloudWatch/latest/APIReference/API_PutDashboard: DashboardInvalidInputError."""
    if request.verb is Verb.DELETE:
        return
    body = str(request.inputs["dashboardBody"])
    if not _DASHBOARD_NAME.fullmatch(request.inputs["dashboardName"]):
        yield "InvalidParameterValue: DashboardName is invalid"
    if len(body.encode()) > _DASHBOARD_BYTES:
        yield "InvalidParameterInput: The dashboard body is too large"
    widgets = json.loads(body)["widgets"]
    if any("region" not in each["properties"] for each in widgets if each["type"] == "metric"):
        yield "InvalidParameterInput: The dashboard body is invalid: a metric widget has no region"


def topic_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS sns/latest/api/API_Subscribe, API_SetTopicAttributes: NotFound."""
    arn = request.inputs.get("topic") or request.inputs.get("arn")
    if request.verb is not Verb.DELETE and account.get(arn) is None:
        yield f"NotFound: Topic does not exist: {arn}"


def event_rule_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS eventbridge/latest/APIReference/API_PutTargets: ResourceNotFoundException."""
    rules = {each.inputs["name"] for each in _of_region(account, "cloudwatch.EventRule", request)}
    if request.verb is not Verb.DELETE and request.inputs["rule"] not in rules:
        yield f"ResourceNotFoundException: Rule {request.inputs['rule']} does not exist on EventBus default."


def event_rule_without_targets(account: Account, request: Request) -> Iterator[str]:
    """DOCS eventbridge/latest/APIReference/API_DeleteRule: its targets go first."""
    for target in _of_region(account, "cloudwatch.EventTarget", request):
        if request.verb is Verb.DELETE and target.inputs["rule"] == request.inputs["name"]:
            yield "ValidationException: Rule can't be deleted since it has targets."


def read_by(inputs: Mapping[str, object]) -> list[str]:
    """Return the names of the alarms that a composite alarm reads."""
    return re.findall(r'ALARM\("([^"]+)"\)', str(inputs.get("alarmRule", "")))


def _of_region(account: Account, kind: str, request: Request) -> list[Thing]:
    region = request.inputs.get("region")
    return [each for each in account.of_kind(kind) if each.inputs.get("region") == region]


WATCH_RULES: Mapping[str, tuple[Rule, ...]] = {
    "cloudwatch.LogMetricFilter": (log_group_exists,),
    "cloudwatch.MetricAlarm": (alarm_is_whole, alarm_unread),
    "cloudwatch.CompositeAlarm": (read_alarms_exist,),
    "cloudwatch.Dashboard": (dashboard_fits,),
    "cloudwatch.EventRule": (event_rule_without_targets,),
    "cloudwatch.EventTarget": (event_rule_exists,),
    "sns.Topic": (),
    "sns.TopicPolicy": (topic_exists,),
    "sns.TopicSubscription": (topic_exists,),
}
