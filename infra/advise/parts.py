"""What several options share: charges of clusters, nodes and load balancers, and settings. Pure."""

from slipway.infra.advise.question import Question
from slipway.infra.cost import gcp
from slipway.infra.cost.charge import Charge
from slipway.infra.cost.usage import HOURS, Usage

_DISK_GB = 100


def too_slow(question: Question, seconds: float) -> list[str]:
    if question.latency_ms is not None and seconds * 1000 > question.latency_ms:
        return [f"one request takes {seconds * 1000:.3g} ms; the maximum is {question.latency_ms:g} ms"]
    return []


def common_settings(question: Question, target: str, least: int, most: int) -> dict[str, str]:
    settings = {"target": target, "model": question.model}
    if question.task != "classify":
        settings["task"] = question.task
    return settings | {"minInstances": str(least), "maxInstances": str(most)}


def load_balancer_charges(usage: Usage) -> tuple[Charge, ...]:
    """Charge a dedicated load balancer with an address in each of two zones."""
    used = usage.requests / (25 * 3600)
    return (
        Charge.always("alb/hour", HOURS),
        Charge("alb/lcu", 0.0, used, used),
        Charge.always("public-ipv4", 2 * HOURS),
    )


def cluster_charges() -> tuple[Charge, ...]:
    """Charge the cluster's fee and one address. The monthly credit is only for zonal clusters."""
    return (Charge.always("gke/cluster", HOURS), Charge.always("forwarding-rule/first-five", HOURS))


def node_charges(
    question: Question, machine: str, gpu: str, spot: bool, each: float, least: int, most: int
) -> tuple[Charge, ...]:
    """Charge the nodes of a pool. each: requests a second that one busy node answers."""
    usage = question.usage(1 / each)
    busy = usage.instances(each, least, most)
    hours = Charge(
        "", least * HOURS, busy * usage.busy_hours + least * (HOURS - usage.busy_hours), most * HOURS
    )
    gpus = ((gpu, 1.0),) if gpu else ()
    disk = Charge(
        "compute/disk/pd-balanced",
        hours.idle * _DISK_GB / HOURS,
        hours.expected * _DISK_GB / HOURS,
        hours.maximum * _DISK_GB / HOURS,
    )
    return (*gcp.node_charges(machine, gpus, spot, hours), disk)
