"""What Cloud Monitoring refuses.

DOCS: docs.cloud.google.com/monitoring/api/ref_v3/rest/v3. PROVIDER: terraform-provider-google,
google/services/.
"""

import re
from collections.abc import Iterator, Mapping

from tests.contract.cloud import made_of
from tests.pulumi_engine.strict.account import Account, Request, Rule, Verb, values_at

_NAME_CHARACTERS = 512


def name_fits(account: Account, request: Request) -> Iterator[str]:
    """DOCS projects.alertPolicies, projects.notificationChannels: displayName."""
    name = str(request.inputs.get("displayName", ""))
    if request.verb is not Verb.DELETE and not 1 <= len(name) <= _NAME_CHARACTERS:
        yield f"googleapi: Error 400: Field display_name had an invalid value of {len(name)} characters."


def channels_exist(account: Account, request: Request) -> Iterator[str]:
    """DOCS projects.alertPolicies, notificationChannels: each must be there."""
    there = {each.outputs["name"] for each in account.of_kind("monitoring.NotificationChannel")}
    for name in request.inputs.get("notificationChannels", ()):
        if request.verb is not Verb.DELETE and name not in there:
            yield f"googleapi: Error 404: Could not find notification channel {name}."


def channel_unused(account: Account, request: Request) -> Iterator[str]:
    """Check `force_delete`: PROVIDER monitoring/resource_monitoring_notification_channel.go."""
    if request.verb is not Verb.DELETE or request.thing is None or request.inputs.get("forceDelete"):
        return
    name = request.thing.outputs["name"]
    if any(name in each.inputs["notificationChannels"] for each in account.of_kind("monitoring.AlertPolicy")):
        yield f"googleapi: Error 400: Cannot delete notification channel {name}: policies use it."


def check_unused(account: Account, request: Request) -> Iterator[str]:
    """Keep a check that an alerting policy names: PROVIDER issue 3133."""
    if request.verb is not Verb.DELETE or request.thing is None:
        return
    check = str(request.thing.outputs["uptimeCheckId"])
    queries = [
        query
        for each in account.of_kind("monitoring.AlertPolicy")
        for query in values_at(each.inputs, "query")
    ]
    if any(check in query for query in queries):
        yield f"googleapi: Error 400: Cannot delete check {check}. One or more alerting policies is using it."


def windows_are_valid(account: Account, request: Request) -> Iterator[str]:
    """DOCS projects.alertPolicies, PrometheusQueryLanguageCondition, AlertStrategy."""
    if request.verb is Verb.DELETE:
        return
    for interval in values_at(request.inputs, "evaluationInterval"):
        if int(str(interval).removesuffix("s")) % 30 or interval == "0s":
            yield f"googleapi: Error 400: evaluation_interval {interval} is no positive multiple of 30 s."
    is_of_the_log = any(values_at(request.inputs, "conditionMatchedLog"))
    if is_of_the_log is not any(values_at(request.inputs, "notificationRateLimit")):
        yield "googleapi: Error 400: a rate limit is for conditions of the log, which need one."


def watched_service_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS services.serviceLevelObjectives/create: NOT_FOUND."""
    there = {each.inputs["serviceId"] for each in account.of_kind("monitoring.CustomService")}
    if request.verb is Verb.CREATE and request.inputs["service"] not in there:
        yield f"googleapi: Error 404: Service {request.inputs['service']} was not found."


def goal_is_below_all(account: Account, request: Request) -> Iterator[str]:
    """DOCS services.serviceLevelObjectives: 0 < goal <= 0.9999, a window of 1 to 30 days."""
    goal, days = float(request.inputs["goal"]), float(request.inputs["rollingPeriodDays"])
    if request.verb is not Verb.DELETE and not (0 < goal <= 0.9999 and 1 <= days <= 30):
        yield f"googleapi: Error 400: goal {goal:g} in {days:g} days is not allowed."


def id_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS apis/design/errors: ALREADY_EXISTS."""
    id_ = str(made_of(request.type, request.inputs)["id"])
    if request.verb is Verb.CREATE and account.get(id_):
        yield f"googleapi: Error 409: {id_} already exists."


def checked_often_enough(account: Account, request: Request) -> Iterator[str]:
    """DOCS projects.uptimeCheckConfigs: period, selectedRegions."""
    if request.verb is Verb.DELETE:
        return
    period = str(request.inputs.get("period", "60s"))
    if not re.fullmatch("(60|300|600|900)s", period) or len(request.inputs["selectedRegions"]) < 3:
        yield f"googleapi: Error 400: a check every {period} from these regions is not offered."


MONITORING_RULES: Mapping[str, tuple[Rule, ...]] = {
    "monitoring.AlertPolicy": (name_fits, channels_exist, windows_are_valid),
    "monitoring.NotificationChannel": (name_fits, channel_unused),
    "monitoring.UptimeCheckConfig": (checked_often_enough, check_unused),
    "monitoring.CustomService": (id_once,),
    "monitoring.Slo": (watched_service_exists, goal_is_below_all, id_once),
}
