"""What a reviewer should know of a service on a cluster, besides what its component warns of. Pure."""

from collections.abc import Iterator

from slipway.components.rollouts.kinds import ROLLING
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.gke import GkeSettings
from slipway.stacks.settings.kubernetes import WorkloadSettings


def cluster_findings(stack: str, settings: Settings) -> Iterator[dict[str, str]]:
    """Yield what only `slipway up` does, and what a new cluster lacks.

    Each: severity, title, reason, fix.
    """
    if isinstance(settings, WorkloadSettings) and settings.rollout not in ("", ROLLING):
        yield {
            "severity": "info",
            "title": f"only `slipway up` carries out `rollout` {settings.rollout}",
            "reason": "A bare `pulumi up` replaces the pods one by one and judges nothing; it also brings a "
            "version that went back.",
            "fix": f"Deploy with `slipway up {stack}`.",
        }
    if isinstance(settings, GkeSettings) and not settings.cluster:
        yield from _not_yet_there(settings)


def _not_yet_there(settings: GkeSettings) -> Iterator[dict[str, str]]:
    """Yield what a cluster of GKE that is made by the same update cannot have yet."""
    if settings.scale_on not in ("", "cpu"):
        yield _missing("KEDA", f"`scaleOn` {settings.scale_on}", "`scaleOn` cpu")
    if settings.monitoring == "operator":
        yield _missing("Prometheus Operator", "`monitoring` operator", "`monitoring` none")
    if settings.needs_database_operator:
        yield _missing("CloudNativePG", "`jobs` without `jobsDatabase`", "`jobs` false")
    if settings.scales_workers:
        yield _missing("KEDA for workers", "`maxWorkers`", "`jobs` false")


def _missing(what: str, given: str, first: str) -> dict[str, str]:
    return {
        "severity": "info",
        "title": f"a cluster that the same `up` creates has no {what}",
        "reason": f"{given} fails there, after the cluster and the pods are made.",
        "fix": f"Create the cluster with {first}, install it, then change the setting.",
    }
