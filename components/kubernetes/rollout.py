"""How pods are replaced and how many may be unavailable: the update strategy and the disruption budget.

Pure.
"""

import math
from collections.abc import Iterator
from typing import Any

from ..fault import Fault
from . import timing
from .capacity import has_spare, most_pods, wanted_pods
from .second_version import second_version_faults, second_version_warnings
from .spec import KubernetesSpec


def surge_of(spec: KubernetesSpec) -> int:
    """Return the extra pods during a rollout: a quarter of the maximum, as far as there is room; or 0."""
    if not has_spare(spec):
        return 0
    quarter = math.ceil(spec.service.max_replicas / 4)
    most = most_pods(spec)
    if most is not None and most > wanted_pods(spec):
        return min(quarter, most - wanted_pods(spec))
    return 1 if spec.service.gpu else quarter


def strategy_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Return a strategy that never falls below the wanted number; without spare room one pod goes first."""
    surge = surge_of(spec)
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0 if surge else 1},
    }


def budget_of(spec: KubernetesSpec) -> dict[str, int]:
    """Return one of the two fields of a PodDisruptionBudget; the default never blocks a node's drain."""
    if spec.min_available is None:
        return {"maxUnavailable": 1}
    return {"minAvailable": int(spec.min_available)}


def rollout_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why the service could not be rolled out, scaled or drained."""
    if spec.service.min_replicas == 0 and not spec.with_kserve and not spec.with_interceptor:
        allowed = (
            "set it to 1 or more, `scale_on` to interceptor where that add-on is installed, or `serving` to "
            "kserve where KServe is; Cloud Run scales to zero"
        )
        reason = (
            ": a HorizontalPodAutoscaler does not scale to zero, because nothing would wake the service; for "
            "that there are KEDA's HTTP add-on and Knative"
        )
        yield Fault("min_replicas", "0", allowed, reason, 1)
    if spec.min_available is not None:
        yield from _budget_faults(spec, spec.min_available)
    yield from second_version_faults(spec)


def _budget_faults(spec: KubernetesSpec, available: float) -> Iterator[Fault]:
    least, given = spec.service.min_replicas, f"{available:g}"
    if spec.with_kserve:
        yield Fault("min_available", given, "leave it out", "with KServe, whose pods have no budget here")
    elif not (available >= 0 and available % 1 == 0):
        yield Fault("min_available", given, "it must be a whole number, 0 or more")
    elif available >= least:
        reason = (
            f"with `min_replicas` {least}: no pod may go away, so a node's drain and an upgrade of the "
            "cluster would wait forever"
        )
        allowed = f"allowed are 0 to {max(least - 1, 0)}: raise `min_replicas`, or leave this out"
        yield Fault("min_available", given, allowed, reason)


def rollout_warnings(spec: KubernetesSpec) -> Iterator[str]:
    least = spec.service.min_replicas
    if spec.with_kserve:
        return
    yield from second_version_warnings(spec)
    if not surge_of(spec):
        gone = "the only pod is away" if least == 1 else "one pod is away"
        yield (
            f"a rollout has no spare {'GPU' if spec.service.gpu else 'room'}: {gone} while its successor "
            f"starts, about {timing.start_of(spec).total - spec.node_start_seconds:.0f} s each. For one "
            f"without a gap the pool needs room for {wanted_pods(spec) + 1:g} pods."
        )
    if least == 1:
        yield (
            "`min_replicas` is 1: while a node is drained or lost the service is away until its pod runs "
            f"elsewhere, about {timing.start_of(spec).total:.0f} s. Set it to 2."
        )
