"""Renders what Prometheus and Grafana read for a service on one machine, and the reference of the signals."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from slipway.components.observability.grafana import dashboard_of
from slipway.components.observability.prometheus import RUNBOOKS, Subject, anchor, rule_groups, span
from slipway.components.observability.signal import Alarm, BurnAlarm, SignalRow
from slipway.components.observability.signals import BURNS, OBJECTIVE, SIGNALS, SLOW_SECONDS
from slipway.components.observability.watch import Watch

SUBJECT = Subject("slipway")
# service/listener.py: METRICS_PORT
_METRICS_PORT = 9464
# Two scrapes make a rate: a dashboard has data after ten seconds.
_SCRAPES = "5s"
_FOLDER = Path("observability")
_METRICS = "prometheus"
# An attribute of a request's span, and the label of the metrics that has the same value.
_LABELS = {"http.route": "http_route", "http.request.method": "http_request_method"}
_DURATION = "http_server_request_duration_seconds"
_QUERIES = {
    "Requests per second": f"sum(rate({_DURATION}_count{{$$__tags}}[5m]))",
    "99th percentile": f"histogram_quantile(0.99, sum by (le) (rate({_DURATION}_bucket{{$$__tags}}[5m])))",
}
_MARK = "# Written by `make reference`, from components/observability/signals.py.\n"
_SLOWER = ", ".join(f"{seconds:g} s for `{task}`" for task, seconds in SLOW_SECONDS.items())
_PROMISE = (
    f"The objective: {OBJECTIVE.availability_percent:g} % of the requests of {OBJECTIVE.window_days:g} days "
    f"do not fail, and {OBJECTIVE.latency_percent:g} % of the good answers take {OBJECTIVE.slow_seconds:g} s "
    f"or less ({_SLOWER})."
)
_HEAD = f"""# Signals and alarms

What is watched of every service, from the metrics of [the server](../guides/server.md#metrics). The same rows
become recording and alert rules of Prometheus and the dashboard of Grafana
([Watch a service](../guides/observability.md)); what to do when an alarm fires is in the
[runbooks](../guides/{Path(RUNBOOKS).name}).

{_PROMISE}
What may fail is the budget. A share of it that is spent in a window raises an alarm while it is still spent
in the short window next to it:

"""


def files() -> Mapping[Path, str]:
    """Return every file, relative to the project, and its whole text."""
    watch = Watch()
    dashboard = json.dumps(dashboard_of(SUBJECT, watch), indent=1) + "\n"
    return {
        _FOLDER / "prometheus.yml": _yaml(_prometheus(f"server:{_METRICS_PORT}")),
        _FOLDER / "prometheus-local.yml": _yaml(_prometheus(f"127.0.0.1:{_METRICS_PORT}")),
        _FOLDER / "rules.yml": _yaml({"groups": rule_groups(SUBJECT, watch)}),
        _FOLDER / "grafana/datasources/prometheus.yml": _yaml(_metrics_source()),
        _FOLDER / "grafana/datasources/tempo.yml": _yaml(_traces_source()),
        _FOLDER / "grafana/dashboards/slipway.yml": _yaml(_provider()),
        _FOLDER / "grafana/dashboards/slipway.json": dashboard,
        Path("docs/reference/signals.md"): page(),
    }


def _yaml(content: Mapping[str, Any]) -> str:
    return _MARK + yaml.safe_dump(dict(content), sort_keys=False, width=10**6, allow_unicode=True)


def _prometheus(target: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": _SCRAPES},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": SUBJECT.name, "static_configs": [{"targets": [target]}]}],
    }


def _metrics_source() -> dict[str, Any]:
    """Return the data source: grafana.com/docs/grafana/latest/administration/provisioning/#data-sources."""
    source = {
        "name": "Prometheus",
        "uid": _METRICS,
        "type": "prometheus",
        "access": "proxy",
        "url": "http://prometheus:9090",
        "isDefault": True,
        "jsonData": {"timeInterval": _SCRAPES},
    }
    return {"apiVersion": 1, "datasources": [source]}


def _traces_source() -> dict[str, Any]:
    """Return the data source of traces, whose spans link to the metrics of their route.

    grafana.com/docs/grafana/latest/datasources/tempo/configure-tempo-data-source/configure-trace-to-metrics;
    a provisioned file has `$$` where a query has `$`.
    """
    links = {
        "datasourceUid": _METRICS,
        "spanStartTimeShift": "-10m",
        "spanEndTimeShift": "10m",
        "tags": [{"key": attribute, "value": label} for attribute, label in _LABELS.items()],
        "queries": [{"name": name, "query": query} for name, query in _QUERIES.items()],
    }
    source = {
        "name": "Tempo",
        "uid": "tempo",
        "type": "tempo",
        "access": "proxy",
        "url": "http://tempo:3200",
        "jsonData": {"tracesToMetrics": links},
    }
    return {"apiVersion": 1, "datasources": [source]}


def _provider() -> dict[str, Any]:
    """Return where Grafana finds dashboards, which is the folder of this file in its container."""
    provider = {
        "name": "slipway",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": "/etc/grafana/provisioning/dashboards"},
    }
    return {"apiVersion": 1, "providers": [provider]}


def page() -> str:
    """Render the page with every signal and alarm."""
    burns = [
        f"| {span(burn.long_minutes)} | {span(burn.short_minutes)} | {burn.budget_share:.0%} "
        f"| {burn.rate(OBJECTIVE.window_days):g} | {burn.severity.value} |"
        for burn in BURNS
    ]
    table = [
        "| window | short window | of the budget | burn rate | severity |",
        "|---|---|---|---|---|",
        *burns,
    ]
    signals = ["| signal | key | unit | alarm |", "|---|---|---|---|", *(_line(signal) for signal in SIGNALS)]
    sections = [line for signal in SIGNALS for line in _expressions(signal)]
    return _HEAD + "\n".join([*table, "", *signals, "", "## In PromQL", "", *sections]).rstrip() + "\n"


def _line(signal: SignalRow) -> str:
    alarm = ", ".join(_alarm(signal)) or "none"
    return f"| {signal.title} | `{signal.key}` | {signal.unit.value} | {alarm} |"


def _alarm(signal: SignalRow) -> Iterator[str]:
    alarm = signal.alarm
    if alarm is None:
        return
    yield f"[{alarm.name}](../guides/{Path(RUNBOOKS).name}#{anchor(alarm)})"
    if isinstance(alarm, BurnAlarm):
        yield "by the burn rate"
    if not signal.series:
        yield "on a cloud's own metrics"
    if isinstance(alarm, Alarm):
        side = "below" if alarm.below else "above"
        for severity, value in alarm.thresholds.items():
            yield f"{severity.value} {side} {value:g}"
        yield f"for {alarm.minutes} min"


def _expressions(signal: SignalRow) -> Iterator[str]:
    """Yield the section of a signal, whose code is not run by a shell: it is for Prometheus' own page."""
    if not signal.series:
        return
    yield f"### {signal.title}\n"
    yield f"No data. {signal.absent}\n"
    lines = [each.promql(SUBJECT.selector, "5m", OBJECTIVE.slow_seconds) for each in signal.series]
    yield "```text\n" + "\n".join(lines) + "\n```\n"
