"""Renders the dashboard of a service as JSON of Cloud Monitoring. Pure.

Source: docs.cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards. A chart has no
field that says why it is empty; a text at the end of the dashboard does.
"""

import json
from collections.abc import Iterator
from typing import Any

from ...observability.prometheus import ALARM_WINDOW
from ...observability.signal import Alarm, BurnAlarm, DashboardRow, Series, SignalRow, Unit
from .policies import page_of, policies_of
from .row import filled
from .subject import MonitoredService

_COLUMNS, _WIDTH, _HEIGHT, _HEADER_HEIGHT, _TEXT_HEIGHT = 12, 6, 4, 1, 8
# Units of UCUM: ucum.org/ucum.
_UNITS = {
    Unit.PER_SECOND: "1/s",
    Unit.SHARE: "10^2.%",
    Unit.SECONDS: "s",
    Unit.BYTES: "By",
    Unit.COUNT: "1",
    Unit.CORES: "1",
}


def dashboard_json(watched: MonitoredService, check_id: str = "") -> str:
    """Return the dashboard, in a form that changes only with what it shows. check_id: of the uptime check."""
    return json.dumps(dashboard_of(watched, check_id), sort_keys=True, separators=(",", ":"))


def dashboard_of(watched: MonitoredService, check_id: str = "") -> dict[str, Any]:
    layout = {"columns": _COLUMNS, "tiles": list(_tiles(watched, check_id))}
    return {"displayName": f"Slipway: {watched.service}", "mosaicLayout": layout}


def drawn(
    watched: MonitoredService, check_id: str = ""
) -> list[tuple[SignalRow, str, list[tuple[str, str]]]]:
    """Return each signal that is drawn, with the title of its chart, and its queries with their legends."""
    found = ((signal, *_chart(watched, signal, check_id)) for signal in watched.watch.signals)
    return [(signal, title, queries) for signal, title, queries in found if queries]


def _chart(watched: MonitoredService, signal: SignalRow, check_id: str) -> tuple[str, list[tuple[str, str]]]:
    row = watched.row(signal)
    if row and row.series:
        values = {**watched.values, "w": ALARM_WINDOW, "c": check_id}
        queries = [(filled(each.expression, values), each.legend) for each in row.series]
        return row.title or signal.title, queries
    if watched.own is None:
        return signal.title, []
    selector, slow_seconds = watched.own.selector, watched.watch.objective.slow_seconds
    series = _own_series(signal)
    return signal.title, [(each.promql(selector, ALARM_WINDOW, slow_seconds), each.legend) for each in series]


def _own_series(signal: SignalRow) -> tuple[Series, ...]:
    """Return the series of a panel: of a budget only the share, because its number has another unit."""
    return signal.series[:1] if isinstance(signal.alarm, BurnAlarm) else signal.series


def _tiles(watched: MonitoredService, check_id: str) -> Iterator[dict[str, Any]]:
    charts, top = drawn(watched, check_id), 0
    for section in DashboardRow:
        inside = [chart for chart in charts if chart[0].row is section]
        if not inside:
            continue
        yield _tile(0, top, _COLUMNS, _HEADER_HEIGHT, {"title": section.value, "sectionHeader": {}})
        top += _HEADER_HEIGHT
        for position, (signal, title, queries) in enumerate(inside):
            line, column = divmod(position, _COLUMNS // _WIDTH)
            place = (column * _WIDTH, top + line * _HEIGHT, _WIDTH, _HEIGHT)
            yield _tile(*place, _widget(watched, signal, title, queries))
        top += -(-len(inside) // (_COLUMNS // _WIDTH)) * _HEIGHT
    text = {"format": "MARKDOWN", "content": _absent(watched, charts)}
    yield _tile(0, top, _COLUMNS, _TEXT_HEIGHT, {"title": "Charts without data, and alarms", "text": text})


def _tile(x: int, y: int, width: int, height: int, widget: dict[str, Any]) -> dict[str, Any]:
    return {"xPos": x, "yPos": y, "width": width, "height": height, "widget": widget}


def _widget(
    watched: MonitoredService, signal: SignalRow, title: str, queries: list[tuple[str, str]]
) -> dict[str, Any]:
    unit = _UNITS[signal.unit]
    sets = [
        {
            "timeSeriesQuery": {"prometheusQuery": query, "unitOverride": unit},
            "plotType": "LINE",
            "legendTemplate": legend.replace("{{", "${").replace("}}", "}"),
        }
        for query, legend in queries
    ]
    chart: dict[str, Any] = {"dataSets": sets, "yAxis": {"scale": "LINEAR"}}
    if lines := _thresholds(watched, signal):
        chart["thresholds"] = lines
    return {"title": title, "xyChart": chart}


def _thresholds(watched: MonitoredService, signal: SignalRow) -> list[dict[str, Any]]:
    if isinstance(signal.alarm, BurnAlarm):
        return [{"label": "budget", "value": watched.watch.objective.budgets[signal.key]}]
    if not isinstance(signal.alarm, Alarm):
        return []
    return [{"label": severity.value, "value": value} for severity, value in signal.alarm.thresholds.items()]


def _absent(watched: MonitoredService, charts: list[tuple[SignalRow, str, list[tuple[str, str]]]]) -> str:
    lines = ["A chart may be empty:", ""]
    lines += [f"- **{title}**: {signal.absent}" for signal, title, _ in charts]
    alarms = {policy.alarm.name: policy.alarm for policy in policies_of(watched)}
    lines += ["", "Runbooks:", "", *(f"- {name}: {page_of(watched, each)}" for name, each in alarms.items())]
    return "\n".join(lines)
