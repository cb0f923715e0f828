"""Renders the CloudWatch dashboard of one service: a panel for each signal, as JSON. Pure.

The form: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure. A
dashboard that reads at most 50 metrics counts among the three of an account that cost nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..observability.prometheus import RUNBOOKS
from ..observability.signal import DashboardRow, SignalRow
from .alarms import drawn, metric_alarms, rows_of
from .cloud_signals import CloudSignal, Reading
from .spec import FargateSpec

_WIDTH, _HEIGHT, _PANELS_OF_A_LINE = 24, 6, 3
_HEADING_HEIGHT, _ALARMS_HEIGHT = 2, 3
_PERIOD_SECONDS = 60


def dashboard_body(spec: FargateSpec, places: Mapping[str, str], alarms: Sequence[str]) -> str:
    """Return the dashboard's JSON.

    places: the values of all dimensions, by their names. alarms: ARNs, in the order in which they are shown.
    """
    widgets = [_heading(spec), *_states(alarms)]
    top = _HEADING_HEIGHT + (_ALARMS_HEIGHT if alarms else 0)
    rows = list(rows_of(spec))
    for heading in DashboardRow:
        panels = [(signal, row) for signal, row in rows if row.row is heading]
        for position, (signal, row) in enumerate(panels):
            line, column = divmod(position, _PANELS_OF_A_LINE)
            width = _WIDTH // _PANELS_OF_A_LINE
            place = {"x": column * width, "y": top + line * _HEIGHT, "width": width, "height": _HEIGHT}
            widgets.append({"type": "metric", **place, "properties": _panel(spec, places, signal, row)})
        top += -(-len(panels) // _PANELS_OF_A_LINE) * _HEIGHT
    return json.dumps({"widgets": widgets}, sort_keys=True, separators=(",", ":"))


def _heading(spec: FargateSpec) -> dict[str, Any]:
    text = (
        f"# Slipway: {spec.name}\nWritten by Slipway: a change here is lost with the next `pulumi up`. "
        f"What to do when an alarm fires: {spec.runbooks_url or RUNBOOKS}"
    )
    place = {"x": 0, "y": 0, "width": _WIDTH, "height": _HEADING_HEIGHT}
    return {"type": "text", **place, "properties": {"markdown": text}}


def _states(alarms: Sequence[str]) -> Iterator[dict[str, Any]]:
    if alarms:
        place = {"x": 0, "y": _HEADING_HEIGHT, "width": _WIDTH, "height": _ALARMS_HEIGHT}
        yield {"type": "alarm", **place, "properties": {"title": "Alarms", "alarms": list(alarms)}}


def _panel(
    spec: FargateSpec, places: Mapping[str, str], signal: CloudSignal, row: SignalRow
) -> dict[str, Any]:
    readings, steps = drawn(spec, signal)
    shown = not steps
    metrics: list[list[Any]] = [_reading(each, places, shown) for each in readings]
    for step in steps:
        last = step is steps[-1]
        metrics.append([{"id": step.id, "expression": step.expression, "label": row.title, "visible": last}])
    lines = [
        {"label": alarm.name.removeprefix(f"{spec.name}-"), "value": alarm.threshold}
        for alarm in metric_alarms(spec)
        if alarm.signal.key == signal.key
    ]
    return {
        "title": row.title,
        "region": spec.region,
        "view": "timeSeries",
        "stacked": False,
        "period": _PERIOD_SECONDS,
        "metrics": metrics,
        "yAxis": {"left": {"min": 0}},
        **({"annotations": {"horizontal": lines}} if lines else {}),
    }


def _reading(reading: Reading, places: Mapping[str, str], visible: bool) -> list[Any]:
    dimensions = [text for pair in reading.placed(places).items() for text in pair]
    options = {"id": reading.id, "stat": reading.statistic, "visible": visible}
    if reading.legend:
        options["label"] = reading.legend
    return [reading.namespace, reading.metric, *dimensions, options]
