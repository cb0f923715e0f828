"""What a program may ask a cloud for, and what stands for the answer where no cloud is asked."""

from collections.abc import Mapping
from typing import Any

from slipway.infra.plan.monitor import UNKNOWN, Answer


def _cluster(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """An existing GKE cluster: its address and certificate, which only Google knows."""
    return {**asked, "endpoint": UNKNOWN, "masterAuths": [{"clusterCaCertificate": UNKNOWN}]}


LOOKUPS: Mapping[str, Answer] = {"gcp:container/getCluster:getCluster": _cluster}
