"""The queries that a program may send to a cloud, with the answers of a plan, which contacts no cloud."""

from collections.abc import Mapping
from typing import Any

from slipway.infra.plan.monitor import Answer
from slipway.infra.resources.reading import UNKNOWN


def _cluster(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer a look-up of an existing GKE cluster: only Google knows its address and certificate."""
    return {**asked, "endpoint": UNKNOWN, "masterAuths": [{"clusterCaCertificate": UNKNOWN}]}


LOOKUPS: Mapping[str, Answer] = {"gcp:container/getCluster:getCluster": _cluster}
