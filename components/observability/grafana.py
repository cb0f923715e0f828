"""Renders the Grafana dashboard of one service: a row for each group of signals, a panel for each. Pure.

The JSON model is Grafana's, schema version 39, which Grafana 10 and later read:
grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model. Its data source is a
variable, so that it works wherever Prometheus has another name.
"""

import json
from collections.abc import Iterator
from typing import Any

from ..content_hash import hashed
from .prometheus import Subject, anchor
from .signal import Alarm, BurnAlarm, DashboardRow, Severity, SignalRow, Unit
from .watch import Watch

_SCHEMA_VERSION = 39
_WIDTH, _HEIGHT, _PANELS_OF_A_LINE = 24, 7, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_RATE = "$__rate_interval"
# github.com/grafana/grafana, packages/grafana-data/src/valueFormats/categories.ts
_UNITS = {
    Unit.PER_SECOND: "reqps",
    Unit.SHARE: "percentunit",
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.COUNT: "short",
    Unit.CORES: "short",
}
_COLORS = {Severity.PAGE: "red", Severity.TICKET: "orange"}


def dashboard_of(subject: Subject, watch: Watch) -> dict[str, Any]:
    """Return the JSON model of a service's dashboard."""
    return {
        "uid": dashboard_uid(subject),
        "title": f"Slipway: {title_of(subject)}",
        "tags": ["slipway"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,  # one crosshair in all panels
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source_variable()]},
        "annotations": {"list": [_alarms(subject)]},
        "panels": list(_panels(subject, watch)),
    }


def dashboard_json(subject: Subject, watch: Watch) -> str:
    return json.dumps(dashboard_of(subject, watch), sort_keys=True, separators=(",", ":"))


def title_of(subject: Subject) -> str:
    return f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name


def dashboard_uid(subject: Subject) -> str:
    """Return the dashboard's permanent name, which a Grafana has only once."""
    place = {"namespace": subject.namespace, "name": subject.name}
    return hashed("slipway", place)


def _source_variable() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _alarms(subject: Subject) -> dict[str, Any]:
    """Return the marks that show when an alarm fired."""
    namespace = f',namespace="{subject.namespace}"' if subject.namespace else ""
    expression = f'ALERTS{{alertstate="firing",service="{subject.name}"{namespace}}}'
    return {
        "name": "Alarms",
        "enable": True,
        "iconColor": "red",
        "datasource": _SOURCE,
        "expr": expression,
    }


def _panels(subject: Subject, watch: Watch) -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for row in DashboardRow:
        signals = [signal for signal in watch.signals if signal.row is row and signal.series]
        if not signals:
            continue
        place = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
        yield {
            "id": number,
            "type": "row",
            "title": row.value,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        number, top = number + 1, top + 1
        for position, signal in enumerate(signals):
            line, column = divmod(position, _PANELS_OF_A_LINE)
            width = _WIDTH // _PANELS_OF_A_LINE
            place = {"x": column * width, "y": top + line * _HEIGHT, "w": width, "h": _HEIGHT}
            yield _panel(subject, watch, signal, number, place)
            number += 1
        top += -(-len(signals) // _PANELS_OF_A_LINE) * _HEIGHT


def _panel(
    subject: Subject, watch: Watch, signal: SignalRow, number: int, place: dict[str, int]
) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": signal.title,
        "description": _description(subject, signal),
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": _SOURCE,
                "expr": series.promql(subject.selector, _RATE, watch.objective.slow_seconds),
                "legendFormat": series.legend,
                "range": True,
                "editorMode": "code",
            }
            for position, series in enumerate(_drawn(signal))
        ],
        "fieldConfig": {"defaults": _field(watch, signal), "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _drawn(signal: SignalRow) -> tuple[Any, ...]:
    """Return the series of a panel: of a budget only the share, because its number has another unit."""
    return signal.series[:1] if isinstance(signal.alarm, BurnAlarm) else signal.series


def _description(subject: Subject, signal: SignalRow) -> str:
    text = f"Without data: {signal.absent}"
    if signal.alarm:
        text = (
            f"{signal.alarm.name}: {signal.alarm.meaning} {subject.runbooks}#{anchor(signal.alarm)}\n\n{text}"
        )
    return text


def _field(watch: Watch, signal: SignalRow) -> dict[str, Any]:
    """Return how values are drawn. `noValue` is what a panel says in which nothing is drawn."""
    steps = _steps(watch, signal)
    style = {"mode": "line" if len(steps) > 1 else "off"}
    field: dict[str, Any] = {
        "unit": _UNITS[signal.unit],
        "min": 0,
        "noValue": f"No data. {signal.absent}",
        "color": {"mode": "palette-classic"},
        "custom": {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never", "thresholdsStyle": style},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    return field


def _steps(watch: Watch, signal: SignalRow) -> list[dict[str, Any]]:
    """Return the thresholds as Grafana takes them: ascending, the first without a value."""
    base: dict[str, Any] = {"color": "green", "value": None}
    if isinstance(signal.alarm, BurnAlarm):
        return [base, {"color": "orange", "value": watch.objective.budgets[signal.key]}]
    if not isinstance(signal.alarm, Alarm):
        return [base]
    values = sorted(
        ((value, severity) for severity, value in signal.alarm.thresholds.items()), key=lambda each: each[0]
    )
    if signal.alarm.below:  # each color holds from its value up, so the worst is the first
        colors = [*(_COLORS[severity] for _, severity in values), "green"]
        bounds = [None, *(value for value, _ in values)]
        return [{"color": color, "value": bound} for color, bound in zip(colors, bounds, strict=True)]
    return [base, *({"color": _COLORS[severity], "value": value} for value, severity in values)]
