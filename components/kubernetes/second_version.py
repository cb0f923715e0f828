"""The second version of a service during a canary or a blue-green rollout, next to the one that serves. Pure.

It is a Deployment of its own, whose pods no object of the first one selects: not its Deployment, autoscaler,
budget or policy. Which of the two the Service selects is the step's. What belongs to a version (its template,
settings, secrets and policy) is held back for the first one; the rest is the service's, and takes new values
at once.
"""

import math
from collections.abc import Iterator

from ..fault import Fault
from ..rollouts.faults import RolloutArguments
from ..rollouts.faults import rollout_faults as argument_faults
from ..rollouts.kinds import BLUE_GREEN, CANARY, ROLLING
from ..rollouts.second import INSTANCE_LABEL, MOST_PERCENT, second_name, second_pods, share_of
from .args import RolloutStep
from .capacity import has_spare, most_pods, pods_of_jobs, wanted_pods
from .pod import SERVICE_LABEL
from .spec import KubernetesSpec


def runs_second(spec: KubernetesSpec) -> bool:
    """Return whether this step has a second version."""
    return spec.rollout_step in (RolloutStep.START, RolloutStep.SHARE)


def holds_first(spec: KubernetesSpec) -> bool:
    """Return whether the version that serves stays as it is."""
    return spec.rollout_step is not RolloutStep.NONE


def traffic_selector(spec: KubernetesSpec) -> dict[str, str]:
    """Return which pods get the requests: the first version's, those of both, or the second one's."""
    if spec.rollout_step is not RolloutStep.SHARE:
        return {SERVICE_LABEL: spec.name}
    if spec.rollout == CANARY:
        return {INSTANCE_LABEL: spec.name}
    return {SERVICE_LABEL: second_name(spec.name)}


def _second_pods(spec: KubernetesSpec, stable: int) -> int:
    return second_pods(spec.rollout, spec.canary_percent, stable)


def replicas_of_second(spec: KubernetesSpec) -> int:
    """Return the pods that the second version starts with: those that were given, or for the minimum."""
    given = spec.second_replicas
    return _second_pods(spec, spec.service.min_replicas) if given is None else int(given)


def least_replicas(spec: KubernetesSpec) -> int:
    """Return the minimum of the autoscalers.

    Of two versions with blue-green the one without requests has no load, and must keep its pods.
    """
    least = spec.service.min_replicas
    return max(least, replicas_of_second(spec)) if runs_second(spec) and spec.rollout == BLUE_GREEN else least


def second_version_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why no second version could run next to the first one."""
    if spec.with_kserve:
        yield from _kserve_faults(spec)
        return
    yield from argument_faults(RolloutArguments(spec.rollout, spec.canary_percent))
    if spec.rollout in (CANARY, BLUE_GREEN):
        yield from _share_faults(spec)
        yield from _room_faults(spec)
        yield from _front_faults(spec)
        yield from _scaler_faults(spec)
    elif holds_first(spec):
        allowed = "use `rollout` canary or blue-green, or leave it out"
        yield Fault("rollout_step", spec.rollout_step.value, allowed, f"with `rollout` {spec.rollout}")
    given = spec.second_replicas
    if given is not None and not (1 <= given <= 10_000 and given % 1 == 0):
        yield Fault("second_replicas", f"{given:g}", "it must be a whole number, 1 or more")


def _kserve_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    if spec.rollout != ROLLING:
        allowed = "leave it out, and use `canary_percent` alone"
        reason = "with KServe, which divides the requests between revisions itself"
        yield Fault("rollout", repr(spec.rollout), allowed, reason)
    percent = spec.canary_percent
    if percent is not None and not (0 <= percent <= 100 and percent % 1 == 0):
        yield Fault("canary_percent", f"{percent:g}", "it must be a whole number from 0 to 100 %")


def _share_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    percent, most = spec.canary_percent, spec.service.max_replicas
    if spec.rollout != CANARY or percent is None or not 0 < percent < 100:
        return
    least = math.ceil(share_of(most, 1))
    if percent > MOST_PERCENT:
        allowed = "use `rollout` blue-green for more than that"
        yield Fault("canary_percent", f"{percent:g}", allowed, nearest=MOST_PERCENT)
    elif percent < share_of(most, 1):
        reason = (
            f"with `max_replicas` {most}: the share is one of pods behind one Service, and one of {most + 1} "
            f"gets {share_of(most, 1):.3g} %"
        )
        allowed = f"allowed are {least} to {MOST_PERCENT}, or raise `max_replicas`"
        yield Fault("canary_percent", f"{percent:g}", allowed, reason, least)


def _room_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why the pool has no room for both versions."""
    most, pods = most_pods(spec), spec.service.max_replicas
    extra = _second_pods(spec, pods)
    if most is not None and spec.spare_node is None and most < wanted_pods(spec) + extra:
        with_jobs = f" and `jobs` (the room of {pods_of_jobs(spec)})" if spec.jobs.jobs else ""
        reason = (
            f": {extra} more pods run next to `max_replicas` {pods}{with_jobs}, and the pool holds {most} at "
            "its maximum"
        )
        allowed = "raise `max_nodes`, lower `max_replicas`, or use `rollout` rolling"
        yield Fault("rollout", spec.rollout, allowed, reason)
    elif not has_spare(spec):
        what = "a spare GPU" if spec.service.gpu else "spare room"
        reason = f", whose second version needs {what}, and none is known to be there"
        allowed = "set `spare_node` to true where the pool has it, or use `rollout` rolling"
        yield Fault("rollout", spec.rollout, allowed, reason)


def _front_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    if spec.rollout == BLUE_GREEN and spec.on_gke and spec.domain:
        reason = (
            "with `domain` on GKE: its load balancer takes up to a minute to find new pods, and has none "
            "meanwhile"
        )
        yield Fault("rollout", spec.rollout, "use canary, which adds pods to those that serve", reason)


def _scaler_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why two versions cannot run with what scales the first one."""
    scaler = f"with `scale_on` {spec.scale_on.value}, which"
    if spec.with_interceptor:
        allowed = "use `scale_on` requests, or `rollout` rolling"
        yield Fault("rollout", spec.rollout, allowed, f"{scaler} lets one Deployment sleep")
    elif spec.with_keda and spec.rollout == BLUE_GREEN:
        allowed = "use canary, whose pods are a share of the others, or `scale_on` cpu"
        yield Fault("rollout", spec.rollout, allowed, f"{scaler} scales one Deployment")


def second_version_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Say what runs twice during a rollout, and the share that whole pods give."""
    if spec.with_kserve or spec.rollout == ROLLING:
        return
    least, most = spec.service.min_replicas, spec.service.max_replicas
    extra = _second_pods(spec, most)
    gpus = extra * int(spec.service.gpu_count) if spec.service.gpu else 0
    quota = f", and {gpus} GPU{'s' if gpus > 1 else ''} of quota" if gpus else ""
    yield (
        f"a rollout takes up to {extra} more pod{'s' if extra > 1 else ''} than the service at rest, of the "
        f"new version: {extra * spec.service.cpu:g} vCPU, {extra * spec.service.memory_gib:g} GiB{quota}."
    )
    if spec.rollout == CANARY:
        shares = sorted({round(share_of(pods, _second_pods(spec, pods))) for pods in (least, most)})
        shown = " to ".join(f"{share} %" for share in shares)
        yield f"the canary's share is one of whole pods: {shown} of the requests, by how many pods run."
