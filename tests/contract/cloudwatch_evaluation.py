"""Evaluates calls of PutMetricAlarm over recorded minutes, as CloudWatch documents it.

DOCS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation (M out of N, periods without
data), cloudwatch-statistics-definitions and using-metric-math. A minute has the samples of a metric; an empty
one is a minute in which nothing was reported. A metric is namespace and name, and where it is that of one
target group alone, the place of that group among those that the alarm reads.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Minutes = Sequence[Sequence[float]]
Recorded = Mapping[tuple[str, str] | tuple[str, str, int], Minutes]
# CloudWatch looks at some more periods than it needs, for data that comes late; DOCS show five for three.
_MORE_PERIODS = 2
_RANK = re.compile(r"PR\((?P<low>[0-9.]+):(?P<high>[0-9.]+)\)")
_ARITHMETIC: Mapping[type, Callable[[float, float], float | None]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right if right else None,
}
_COMPARISONS: Mapping[type, Callable[[float, float], bool]] = {ast.Gt: operator.gt, ast.GtE: operator.ge}
_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "SampleCount": len,
    "Average": lambda samples: sum(samples) / len(samples),
}


def statistic_of(samples: Sequence[float], statistic: str) -> float | None:
    """Return a statistic of the samples of one period; None of no sample."""
    if not samples:
        return None
    if rank := _RANK.fullmatch(statistic):
        low, high = float(rank["low"]), float(rank["high"])
        return 100 * sum(low < sample <= high for sample in samples) / len(samples)
    return _STATISTICS[statistic](samples)


def computed(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Return the value of an expression in one period; None where it has none, as after a division by 0."""
    return _value(ast.parse(expression, mode="eval").body, values)


def _value(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    if isinstance(node, ast.Constant):
        return float(str(node.value))
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Call):
        return _called(node, values)
    sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    operation: Any = _ARITHMETIC[type(node.op)] if isinstance(node, ast.BinOp) else None
    if isinstance(node, ast.Compare):
        sides, operation = [node.left, *node.comparators], _COMPARISONS[type(node.ops[0])]
    left, right = (_value(side, values) for side in sides)
    if left is None or right is None:
        return None
    found = operation(left, right)
    return None if found is None else float(found)


def _called(node: ast.Call, values: Mapping[str, float | None]) -> float | None:
    assert isinstance(node.func, ast.Name)
    if node.func.id == "CEIL":
        number = _value(node.args[0], values)
        return None if number is None else float(math.ceil(number))
    if node.func.id == "FILL":
        series, filling = (_value(part, values) for part in node.args)
        return filling if series is None else series
    assert node.func.id == "IF"
    condition = _value(node.args[0], values)
    return None if condition is None else _value(node.args[1 if condition else 2], values)


def watched(alarm: Mapping[str, Any], recorded: Recorded, minute: int, back: int) -> float | None:
    """Return the value that an alarm looks at, in the period that ended `back` periods before a minute."""
    groups = _groups(alarm)

    def read(read: Mapping[str, Any], statistic: str, seconds: int) -> float | None:
        length = seconds // 60
        end = minute - back * length
        of_all = recorded.get((read["Namespace"], read["MetricName"]), ())
        group = groups.index(_group(read))
        minutes = recorded.get((read["Namespace"], read["MetricName"], group), of_all)
        window = minutes[max(end - length, 0) : max(end, 0)]
        return statistic_of([sample for samples in window for sample in samples], statistic)

    if "Metrics" not in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return read(alarm, statistic, alarm["Period"])
    values: dict[str, float | None] = {}
    for query in alarm["Metrics"]:
        if "Expression" in query:
            values[query["Id"]] = computed(query["Expression"], values)
        else:
            stat = query["MetricStat"]
            values[query["Id"]] = read(stat["Metric"], stat["Stat"], stat["Period"])
    [id_] = [query["Id"] for query in alarm["Metrics"] if query["ReturnData"]]
    return values[id_]


def _group(read: Mapping[str, Any]) -> str:
    dimensions = {each["Name"]: each["Value"] for each in read.get("Dimensions", ())}
    return dimensions.get("TargetGroup", "")


def _groups(alarm: Mapping[str, Any]) -> list[str]:
    """Return the target groups that an alarm reads, after "" for none, in its own order."""
    metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
    return list(dict.fromkeys(["", *map(_group, metrics or [alarm])]))


def is_raised(alarm: Mapping[str, Any], recorded: Recorded, minute: int) -> bool:
    """Return whether an alarm is raised at a minute: M of the latest N periods with data are bad.

    Where fewer have data, the missing ones count as the alarm says.
    """
    periods = alarm["EvaluationPeriods"]
    found = [watched(alarm, recorded, minute, back) for back in range(periods + _MORE_PERIODS)]
    above = alarm["ComparisonOperator"] == "GreaterThanThreshold"
    known = [each for each in found if each is not None][:periods]
    bad = sum(value > alarm["Threshold"] if above else value < alarm["Threshold"] for value in known)
    missing = (periods - len(known)) * (alarm["TreatMissingData"] == "breaching")
    return bad + missing >= alarm["DatapointsToAlarm"]


def is_composite_raised(rule: str, raised: Mapping[str, bool]) -> bool:
    """Return the state of a composite alarm. raised: the states of the others, by name."""
    return all(raised[name] for name in re.findall(r'ALARM\("([^"]+)"\)', rule))
