"""Judges what Cloud Monitoring is sent: Google's own messages, then its documented limits.

It knows nothing of the arguments. `python -m tests.contract.monitoring_judge` reads a JSON form a line, with
its kind, and answers a verdict a line; a process of its own, as cloud_run_judge.py is.
DOCS: docs.cloud.google.com/monitoring/api/ref_v3/rest/v3, and v1/projects.dashboards; monitoring/quotas.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from google.cloud import monitoring_dashboard_v1, monitoring_v3
from google.protobuf.json_format import ParseError

_MESSAGES: Mapping[str, Any] = {
    "AlertPolicy": monitoring_v3.AlertPolicy,
    "NotificationChannel": monitoring_v3.NotificationChannel,
    "CustomService": monitoring_v3.Service,
    "Slo": monitoring_v3.ServiceLevelObjective,
    "UptimeCheckConfig": monitoring_v3.UptimeCheckConfig,
    "Dashboard": monitoring_dashboard_v1.Dashboard,
}
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def _seconds(value: Any) -> float:
    return cast("timedelta", value).total_seconds() if value else 0.0


def _is_of_the_log(policy: monitoring_v3.AlertPolicy) -> bool:
    return any(each.condition_matched_log.filter for each in policy.conditions)


def _has_its_rate_limit(policy: monitoring_v3.AlertPolicy) -> bool:
    """DOCS projects.alertPolicies, AlertStrategy: required for conditions of the log, and for these alone."""
    period = _seconds(policy.alert_strategy.notification_rate_limit.period)
    if not _is_of_the_log(policy):
        return not period
    return len(policy.conditions) == 1 and 300 <= period <= 48 * 3600


def _conditions_are_whole(policy: monitoring_v3.AlertPolicy) -> bool:
    return 1 <= len(policy.conditions) <= 6 and all(
        bool(each.condition_prometheus_query_language.query) is not bool(each.condition_matched_log.filter)
        and 1 <= len(each.display_name) <= 512
        for each in policy.conditions
    )


def _windows_are_valid(policy: monitoring_v3.AlertPolicy) -> bool:
    found = [each.condition_prometheus_query_language for each in policy.conditions]
    return all(
        _seconds(each.evaluation_interval) % 30 == 0
        and _seconds(each.evaluation_interval) > 0
        and 0 <= _seconds(each.duration) <= 25 * 3600
        for each in found
        if each.query
    )


def _documentation_fits(policy: monitoring_v3.AlertPolicy) -> bool:
    text = policy.documentation
    links = all(re.fullmatch(r"https?://\S{1,2075}", link.url) for link in text.links)
    is_markdown = text.mime_type == "text/markdown"
    return is_markdown and len(text.subject) <= 255 and len(text.content.encode()) <= 8192 and links


def _indicator_is_whole(slo: monitoring_v3.ServiceLevelObjective) -> bool:
    ratio = slo.service_level_indicator.request_based.good_total_ratio
    cut = slo.service_level_indicator.request_based.distribution_cut
    if cut.distribution_filter:
        return cut.range_.max_ > cut.range_.min_ and not ratio.total_service_filter
    given = [ratio.good_service_filter, ratio.bad_service_filter, ratio.total_service_filter]
    return sum(bool(each) for each in given) == 2


def _has_its_host(check: monitoring_v3.UptimeCheckConfig) -> bool:
    resource = check.monitored_resource
    return resource.type == "uptime_url" and {*resource.labels} == {"host", "project_id"}


def _tiles_fit(dashboard: monitoring_dashboard_v1.Dashboard) -> bool:
    layout = dashboard.mosaic_layout
    return 1 <= layout.columns <= 12 and all(
        tile.width >= 1 and tile.height >= 1 and tile.x_pos + tile.width <= layout.columns
        for tile in layout.tiles
    )


def _charts_are_whole(dashboard: monitoring_dashboard_v1.Dashboard) -> bool:
    charts = [
        tile.widget.xy_chart for tile in dashboard.mosaic_layout.tiles if tile.widget.xy_chart.data_sets
    ]
    sets = [each for chart in charts for each in chart.data_sets]
    return 1 <= len(charts) <= 100 and all(each.time_series_query.prometheus_query for each in sets)


RULES: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "AlertPolicy": {
        "its name has 1 to 512 characters": lambda p: 1 <= len(p.display_name) <= 512,
        "its conditions are one of a query or the log each": _conditions_are_whole,
        "its windows are valid": _windows_are_valid,
        "one of the log has a rate limit, and no other has": _has_its_rate_limit,
        "an alert closes after 30 minutes to 7 days": lambda p: (
            1800 <= _seconds(p.alert_strategy.auto_close) <= 7 * 86400
        ),
        "its documentation fits": _documentation_fits,
        "its severity is named": lambda p: p.severity != 0,
        "channels are named in full": lambda p: all(
            re.fullmatch(r"projects/[^/]+/notificationChannels/\d+", name) for name in p.notification_channels
        ),
        "labels are lowercase": lambda p: all(
            _LABEL.fullmatch(key) and _LABEL_VALUE.fullmatch(value) for key, value in p.user_labels.items()
        ),
    },
    "NotificationChannel": {
        "it has an address": lambda c: c.type_ == "email" and {*c.labels} == {"email_address"},
        "its name has 1 to 512 characters": lambda c: 1 <= len(c.display_name) <= 512,
    },
    "CustomService": {
        "its id is lowercase": lambda s: bool(re.fullmatch(r"projects/[^/]+/services/[a-z0-9-]+", s.name)),
    },
    "Slo": {
        "its goal is a share below 0.9999": lambda s: 0 < s.goal <= 0.9999,
        "its window has 1 to 30 days": lambda s: 86400 <= _seconds(s.rolling_period) <= 30 * 86400,
        "its indicator is whole": _indicator_is_whole,
        "its id is valid": lambda s: bool(
            re.search(r"/serviceLevelObjectives/[a-zA-Z0-9_:.-]{1,63}$", s.name)
        ),
    },
    "UptimeCheckConfig": {
        "it has a host": _has_its_host,
        "it runs at a time that is offered": lambda c: _seconds(c.period) in (60, 300, 600, 900),
        "it waits for 1 to 60 s": lambda c: 1 <= _seconds(c.timeout) <= 60,
        "it runs in three places or more": lambda c: len(set(c.selected_regions)) >= 3,
        "it asks for a path": lambda c: c.http_check.path.startswith("/"),
    },
    "Dashboard": {
        "tiles fit into the grid": _tiles_fit,
        "charts have queries": _charts_are_whole,
        "it has a name": lambda d: bool(d.display_name),
    },
}


def verdict(line: str) -> dict[str, Any]:
    form = json.loads(line)
    try:
        message = _MESSAGES[form["kind"]].from_json(json.dumps(form["body"]), ignore_unknown_fields=False)
    except ParseError as error:
        return {"refused": str(error), "broken": []}
    rules = RULES[form["kind"]]
    return {"refused": None, "broken": [name for name, holds in rules.items() if not holds(message)]}


if __name__ == "__main__":
    for each in sys.stdin:
        print(json.dumps(verdict(each)), flush=True)
