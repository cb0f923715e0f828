"""The resources of Cloud Monitoring that watch one service: alarms, whom they call, objectives, a dashboard.

Owns an alerting policy for each alarm, the notification channel of an e-mail address, the objectives with
their service, the check from outside, and the dashboard. Nothing here sends a metric.
"""

# Else the annotations import all of `gcp.monitoring`, for those who only check.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from ...observability.prometheus import anchor
from .dashboard import dashboard_json
from .policies import SEVERITIES, Policy, page_of, policies_of
from .slo import ServiceLevel, objectives_of
from .subject import MonitoredService

API = "monitoring.googleapis.com"
# At least three; each runs the check: cloud.google.com/monitoring/api/ref_v3/rest/v3/UptimeCheckRegion.
_REGIONS = ("EUROPE", "USA_OREGON", "ASIA_PACIFIC")
_CHECKED_SECONDS, _CHECK_TIMEOUT_SECONDS = 300, 10
# An alert that nothing confirms for so long is over: as short as Google allows it.
_CLOSED_SECONDS = 1800
# A line of the log calls once, and not again for an hour.
_LINE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service's monitoring is. host: of its address, for the check from outside."""

    project: pulumi.Input[str]
    email: str
    host: pulumi.Input[str]
    opts: pulumi.ResourceOptions


def watch_service(watched: MonitoredService, place: Place) -> None:
    """Create everything. place.opts: of each resource, with its parent."""
    name = watched.service
    channels = [_channel(name, place)] if place.email else []
    check = _uptime_check(name, place) if watched.outside else None
    check_id: pulumi.Input[str] = check.uptime_check_id if check else ""
    for policy in policies_of(watched):
        _alert_policy(watched, policy, check_id, [channel.name for channel in channels], place)
    objectives = objectives_of(watched)
    if objectives:
        _slos(name, objectives, place)
    gcp.monitoring.Dashboard(
        f"{name}-dashboard",
        project=place.project,
        dashboard_json=pulumi.Output.from_input(check_id).apply(lambda known: dashboard_json(watched, known)),
        opts=place.opts,
    )


def _channel(name: str, place: Place) -> gcp.monitoring.NotificationChannel:
    return gcp.monitoring.NotificationChannel(
        f"{name}-alerts",
        project=place.project,
        type="email",
        display_name=f"Alarms of {name}",
        labels={"email_address": place.email},
        opts=place.opts,
    )


def _uptime_check(name: str, place: Place) -> gcp.monitoring.UptimeCheckConfig:
    """Create the check of /alive, which needs no key and starts no computation."""
    host = pulumi.Output.all(host=place.host, project_id=place.project)
    return gcp.monitoring.UptimeCheckConfig(
        f"{name}-outside",
        project=place.project,
        display_name=f"{name} from outside",
        http_check={"path": "/alive", "port": 443, "use_ssl": True, "validate_ssl": True},
        monitored_resource={"type": "uptime_url", "labels": host},
        period=f"{_CHECKED_SECONDS}s",
        timeout=f"{_CHECK_TIMEOUT_SECONDS}s",
        selected_regions=list(_REGIONS),
        opts=place.opts,
    )


def _alert_policy(
    watched: MonitoredService,
    policy: Policy,
    check_id: pulumi.Input[str],
    channels: Sequence[pulumi.Output[str]],
    place: Place,
) -> None:
    condition: gcp.monitoring.AlertPolicyConditionArgsDict = {"display_name": policy.text}
    strategy: gcp.monitoring.AlertPolicyAlertStrategyArgsDict = {"auto_close": f"{_CLOSED_SECONDS}s"}
    if policy.lines:
        condition["condition_matched_log"] = {"filter": policy.lines}
        strategy["notification_rate_limit"] = {"period": f"{_LINE_SECONDS}s"}
    else:
        query = pulumi.Output.from_input(check_id).apply(lambda known: policy.query.replace("$c", known))
        condition["condition_prometheus_query_language"] = {
            "query": query if "$c" in policy.query else policy.query,
            "duration": f"{policy.minutes * 60}s",
            "evaluation_interval": f"{policy.evaluated_seconds}s",
            # A service that was never called has no metrics yet.
            "disable_metric_validation": True,
        }
    gcp.monitoring.AlertPolicy(
        f"{watched.service}-{policy.key}-alarm",
        project=place.project,
        display_name=f"{watched.service}: {policy.alarm.name}",
        combiner="OR",
        severity=SEVERITIES[policy.severity],
        conditions=[condition],
        alert_strategy=strategy,
        notification_channels=list(channels),
        documentation=_documentation(watched, policy),
        user_labels={"service": watched.service, "signal": policy.key, "severity": policy.severity.value},
        opts=place.opts,
    )


def _documentation(
    watched: MonitoredService, policy: Policy
) -> gcp.monitoring.AlertPolicyDocumentationArgsDict:
    """Return what the e-mail says; a link must be a whole address."""
    page = page_of(watched, policy.alarm)
    documentation: gcp.monitoring.AlertPolicyDocumentationArgsDict = {
        "mime_type": "text/markdown",
        "subject": f"{watched.service}: {policy.alarm.meaning}",
        "content": f"{policy.text}\n\nWhat to do: {page}",
    }
    if watched.runbooks.startswith("http"):
        documentation["links"] = [{"display_name": f"Runbook {anchor(policy.alarm)}", "url": page}]
    return documentation


def _slos(name: str, objectives: Sequence[ServiceLevel], place: Place) -> None:
    """Create the objectives, whose budgets the console shows; names come back, and are free once gone."""
    opts = pulumi.ResourceOptions.merge(place.opts, pulumi.ResourceOptions(delete_before_replace=True))
    service = gcp.monitoring.CustomService(
        f"{name}-objectives", project=place.project, service_id=name, display_name=name, opts=opts
    )
    for objective in objectives:
        gcp.monitoring.Slo(
            f"{name}-{objective.key}-objective",
            project=place.project,
            service=service.service_id,
            slo_id=objective.key,
            display_name=objective.text,
            goal=objective.goal,
            rolling_period_days=objective.days,
            request_based_sli=objective.indicator,
            opts=opts,
        )
