"""What CloudWatch measures of the worse of two versions, each of which has a target group. Pure.

A canary gets few of the requests: if all of them fail, the share of all requests that fail is still small,
and can be below every threshold. So the alarms that take it back look at the versions apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..rollouts.kinds import CANARY
from .cloud_signals import (
    BALANCER,
    LEAST,
    OF_ALTERNATE,
    OF_BALANCER,
    OF_TARGETS,
    SLOW,
    CloudSignal,
    Reading,
    Step,
)
from .spec import FargateSpec

_GROUPS: Mapping[str, tuple[str, ...]] = {"first": OF_TARGETS, "second": OF_ALTERNATE}


def of_versions(spec: FargateSpec, signal: CloudSignal) -> CloudSignal:
    """Return a signal as the worse version has it, where two versions share the requests."""
    compared = _COMPARED.get(signal.key)
    return compared(signal) if compared and spec.rollout == CANARY else signal


def _greater(left: str, right: str) -> str:
    return f"IF({left} > {right}, {left}, {right})"


def _failures(signal: CloudSignal) -> CloudSignal:
    """Return the largest share of failures: of a version, or of all requests.

    The load balancer does not say for which version it answers by itself. While both get requests, these
    answers count as the smaller one's.
    """
    counts = {"requests": "RequestCount", "failed": "HTTPCode_Target_5XX_Count"}
    readings = [
        Reading(f"{group}_{id_}", BALANCER, metric, "Sum", dimensions)
        for group, dimensions in _GROUPS.items()
        for id_, metric in counts.items()
    ]
    readings.append(Reading("unanswered", BALANCER, "HTTPCode_ELB_5XX_Count", "Sum", OF_BALANCER))
    first, second = "FILL(first_requests, 0)", "FILL(second_requests, 0)"
    steps = (
        *(_share(group, f"FILL({group}_failed, 0)", f"FILL({group}_requests, 1)") for group in _GROUPS),
        Step("smaller", f"IF({first} > {second}, {second}, {first})"),
        Step("own", f"IF(FILL(unanswered, 0) >= {LEAST}, FILL(unanswered, 0), 0)"),
        Step("unanswered_share", f"IF(smaller >= {LEAST}, own / smaller, 0)"),
        Step("all_failed", "FILL(first_failed, 0) + FILL(second_failed, 0) + FILL(unanswered, 0)"),
        Step("all_requests", f"{first} + {second}"),
        Step("whole", _greater("all_failed", "all_requests")),
        _share("all", "all_failed", "whole"),
        Step("of_versions", _greater("first_share", "second_share")),
        Step("of_both", _greater("unanswered_share", "all_share")),
        Step("worst", _greater("of_versions", "of_both")),
    )
    return replace(signal, readings=tuple(readings), steps=steps)


def _slowness(signal: CloudSignal) -> CloudSignal:
    """Return the larger share of slow answers of the two versions."""
    statistics = {"answers": "SampleCount", "fast": f"PR(0:{SLOW})"}
    readings = tuple(
        Reading(f"{group}_{id_}", BALANCER, "TargetResponseTime", statistic, dimensions)
        for group, dimensions in _GROUPS.items()
        for id_, statistic in statistics.items()
    )
    steps = [
        step
        for group in _GROUPS
        for step in (
            Step(f"{group}_all", f"FILL({group}_answers, 0)"),
            Step(f"{group}_slow", f"{group}_all * (100 - FILL({group}_fast, 100)) / 100"),
            _share(group, f"{group}_slow", f"{group}_all"),
        )
    ]
    return replace(
        signal, readings=readings, steps=(*steps, Step("worst", _greater("first_share", "second_share")))
    )


def _share(of: str, part: str, whole: str) -> Step:
    """Return a share; of few it is none, because of few requests one is a large part."""
    return Step(f"{of}_share", f"IF({part} >= {LEAST}, {part} / {whole}, 0)")


_COMPARED: Mapping[str, Callable[[CloudSignal], CloudSignal]] = {
    "availability": _failures,
    "latency": _slowness,
}
