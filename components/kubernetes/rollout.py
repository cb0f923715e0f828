"""How pods are replaced and how many may be away: the update's strategy and the disruption budget. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from . import timing
from .capacity import has_spare, most_pods
from .spec import KubernetesSpec


def surge_of(spec: KubernetesSpec) -> int:
    """Pods above the wanted number in a rollout: a quarter, as far as there is room. 0: there is no spare."""
    if not has_spare(spec):
        return 0
    quarter = math.ceil(spec.service.max_replicas / 4)
    most = most_pods(spec)
    if most is not None and most > spec.service.max_replicas:
        return min(quarter, most - spec.service.max_replicas)
    return 1 if spec.service.gpu else quarter


def strategy_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Never below the wanted number; or where nothing is spare, one pod goes before its successor comes."""
    surge = surge_of(spec)
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0 if surge else 1},
    }


def budget_of(spec: KubernetesSpec) -> dict[str, int]:
    """One of the two fields of a PodDisruptionBudget. The default never blocks a node's drain."""
    if spec.min_available is None:
        return {"maxUnavailable": 1}
    return {"minAvailable": int(spec.min_available)}


def rollout_faults(spec: KubernetesSpec) -> Iterator[str]:
    least = spec.service.min_replicas
    if least == 0 and not spec.with_kserve:
        yield (
            "min_replicas is 0; a HorizontalPodAutoscaler does not scale to zero, for nothing would wake the "
            "service: that needs KEDA's HTTP add-on or Knative. Set `minInstances` to 1 or more, or "
            "`serving: kserve` where KServe is installed; the target cloud-run scales to zero."
        )
    if spec.min_available is not None:
        yield from _budget_faults(spec, spec.min_available)
    if spec.canary_percent is not None:
        if not spec.with_kserve:
            yield "canary_percent is for KServe; set `serving: kserve`, or leave it out."
        if not (0 <= spec.canary_percent <= 100 and spec.canary_percent % 1 == 0):
            yield f"canary_percent is {spec.canary_percent:g}; it must be a whole number from 0 to 100."


def _budget_faults(spec: KubernetesSpec, available: float) -> Iterator[str]:
    least = spec.service.min_replicas
    if spec.with_kserve:
        yield "min_available is for a Deployment; KServe's pods have no budget here: leave it out."
    elif not (available >= 0 and available % 1 == 0):
        yield f"min_available is {available:g}; it must be a whole number, 0 or more."
    elif available >= least:
        yield (
            f"min_available is {available:g} with min_replicas {least}: no pod may go away, so a node's "
            "drain and an upgrade of the cluster would wait for ever; allowed are 0 to "
            f"{max(least - 1, 0)}. Raise `minInstances`, or leave it out."
        )


def rollout_warnings(spec: KubernetesSpec) -> Iterator[str]:
    least = spec.service.min_replicas
    if spec.with_kserve:
        return
    if not surge_of(spec):
        gone = "the only pod is away" if least == 1 else "one pod is away"
        yield (
            f"a rollout has no spare {'GPU' if spec.service.gpu else 'room'}: {gone} while its successor "
            f"starts, about {timing.start_of(spec).total - spec.node_start_seconds:.0f} s each. For one "
            f"without a gap the pool needs room for {spec.service.max_replicas + 1} pods."
        )
    if least == 1:
        yield (
            "minInstances is 1: while a node is drained or lost the service is away until its pod runs "
            f"elsewhere, about {timing.start_of(spec).total:.0f} s. Set it to 2."
        )
