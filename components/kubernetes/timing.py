"""How long a pod takes to start and end, and the waits that follow. Estimates at the slow end. Seconds."""

import math
from dataclasses import dataclass

from ..load_time import LOADS_OF_A_START
from . import limits
from .spec import KubernetesSpec

# Until every node and load balancer has heard that a pod is not to get requests any more. GKE
# concepts/container-native-load-balancing: they hear of it at the same time as the pod gets its SIGTERM.
ENDPOINT_REMOVAL_SECONDS = 10
GOOGLE_ENDPOINT_REMOVAL_SECONDS = 30
# Between the drain's end and the kill.
_END_MARGIN_SECONDS = 10
_LEAST_PATIENCE_SECONDS = 60
# The time to load may be an estimate, many times too long; the first request waits for a probe.
_LONGEST_PERIOD_SECONDS = 2
# K8S concepts/workloads/controllers/deployment: its default.
_LEAST_DEADLINE_SECONDS = 600
# From the deadline until the cluster has said so.
_REPORT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Start:
    """The parts of a pod's start, from the moment it is wanted until it is ready, at worst on a new node."""

    node: float
    image: float
    fetch: float
    """Of the init container."""
    load: float
    """In the server: reading the model, through a mount where there is one, and warming up."""

    @property
    def total(self) -> float:
        return self.node + self.image + self.fetch + self.load

    def __str__(self) -> str:
        parts = (("node", self.node), ("image", self.image), ("model", self.fetch), ("load", self.load))
        return " + ".join(f"{name} {seconds:.0f}" for name, seconds in parts if seconds)


def start_of(spec: KubernetesSpec) -> Start:
    # KServe's pods have no init container here: the server itself fetches.
    fetch = spec.model_gib / limits.BUCKET_GIB_PER_SECOND if spec.is_fetched else 0
    mount = spec.model_gib / limits.MOUNT_GIB_PER_SECOND if spec.is_mounted else 0
    warm = limits.GPU_WARM_SECONDS if spec.service.gpu else 0
    in_server = mount + (fetch if spec.with_kserve else 0)
    return Start(
        node=spec.node_start_seconds,
        image=spec.image_gib / limits.IMAGE_GIB_PER_SECOND,
        fetch=0 if spec.with_kserve else fetch,
        load=spec.service.load_seconds + in_server + warm,
    )


def startup_patience_seconds(spec: KubernetesSpec) -> int:
    """Return how long the start-up probe waits, from the container's start: three times the load."""
    return max(math.ceil(LOADS_OF_A_START * start_of(spec).load), _LEAST_PATIENCE_SECONDS)


def startup_period_seconds(spec: KubernetesSpec) -> int:
    """Return the period of the start-up probe, one or two seconds."""
    return min(max(math.ceil(spec.service.load_seconds / 10), 1), _LONGEST_PERIOD_SECONDS)


def progress_deadline_seconds(spec: KubernetesSpec) -> int:
    """Return the time after which a rollout counts as failed.

    Twice a whole start, and never before the start-up probe gives up.
    """
    start = start_of(spec)
    longest = start.total - start.load + startup_patience_seconds(spec)
    return max(math.ceil(2 * start.total), math.ceil(longest) + 60, _LEAST_DEADLINE_SECONDS)


def rollout_seconds(spec: KubernetesSpec, at_once: int) -> int:
    """Return how long a rollout takes that succeeds.

    Nodes start for its first pods, then `at_once` pods start and as many end, in rounds.
    """
    start = start_of(spec)
    rounds = math.ceil(max(spec.service.max_replicas, 1) / max(at_once, 1))
    return math.ceil(start.node + rounds * (start.total - start.node + end_seconds(spec)))


def apply_seconds(spec: KubernetesSpec, at_once: int) -> int:
    """Return how long `up` waits for the pods: until the rollout has failed or should have succeeded.

    The provider has no other end for a rollout that makes no progress (pulumi-kubernetes, provider/pkg/await/
    deployment.go): of `ProgressDeadlineExceeded` it only warns, and reports the pods' reasons when its time
    is up.
    """
    return max(progress_deadline_seconds(spec), rollout_seconds(spec, at_once)) + _REPORT_SECONDS


def endpoint_removal_seconds(spec: KubernetesSpec) -> int:
    return GOOGLE_ENDPOINT_REMOVAL_SECONDS if spec.on_gke and spec.domain else ENDPOINT_REMOVAL_SECONDS


def end_seconds(spec: KubernetesSpec) -> int:
    """Return the grace period of a pod: until no request is sent to it, the drain, and a margin."""
    return endpoint_removal_seconds(spec) + spec.drain_seconds + _END_MARGIN_SECONDS
