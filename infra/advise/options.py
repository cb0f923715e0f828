"""The options that Slipway deploys: Cloud Run, Fargate and GKE. Pure; each returns an Offer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slipway.components.sizes import Size, quantity, smallest_size
from slipway.infra.advise.gpu_options import cloud_run_gpu, gke_gpu
from slipway.infra.advise.offer import Offer
from slipway.infra.advise.parts import (
    cluster_charges,
    common_settings,
    load_balancer_charges,
    node_charges,
    too_slow,
)
from slipway.infra.advise.question import Question
from slipway.infra.cost import aws, cloud_run, gcp
from slipway.infra.cost.aws import FargateSize
from slipway.infra.cost.cloud_run import RunSize

# What pods of a node may ask for; components/gke/machines.py `allocatable`, which a test compares. vCPU, GiB.
NODE_MACHINE, NODE_CPU, NODE_GIB = "e2-standard-4", gcp.cpu_for_pods(4), 11.512


def _against_cpu(question: Question) -> list[str]:
    if question.cpu_seconds is None:
        return ["what a request takes of a vCPU is not known"]
    return too_slow(question, question.cpu_seconds)


def _without(size: Size | None) -> list[str]:
    return [] if size else ["no size of it holds the model"]


def _cloud_run(question: Question, *, always: bool) -> Offer:
    name = f"Cloud Run, {'instance' if always else 'request'}-based"
    size = smallest_size("cloud-run", question.need_mib, question.cpu)
    region = question.gcp_region
    against = _against_cpu(question)
    if size is None or question.cpu_seconds is None:
        return Offer(name, "cloud-run", 1, region, against=(*against, *_without(size)))
    cpu, gib = size.cpu, size.memory_mib / 1024
    least = 1 if question.warm else 0
    most = question.instances_at_peak(question.cpu_seconds, cpu) + 1
    run = RunSize(cpu, gib, "", zonal=False, always=always, least=least, most=most)
    settings = common_settings(question, "cloud-run", least, most) | {
        "project": question.project,
        "region": region,
        "cpu": f"{cpu:g}",
        "memory": size.memory,
    }
    if always:
        settings["cpuAlways"] = "true"
    charges = cloud_run.priced(run, region, question.usage(question.cpu_seconds)).charges
    remark = "starts from nothing" if not least else "one instance is always there"
    return Offer(name, "cloud-run", 1, region, charges, tuple(against), remark, settings)


def _fargate(question: Question, *, spot: bool) -> Offer:
    name = f"Fargate{', above the first on Spot' if spot else ''}"
    size = smallest_size("fargate", question.need_mib, question.cpu)
    region = question.aws_region
    against = _against_cpu(question)
    if spot and not question.spot:
        against.append("AWS can take Spot back; allow it with --spot")
    if size is None or question.cpu_seconds is None:
        return Offer(name, "fargate", 2, region, against=(*against, *_without(size)))
    most = question.instances_at_peak(question.cpu_seconds, size.cpu) + 1
    task = FargateSize(
        size.cpu,
        size.memory_mib / 1024,
        "x86_64",
        20,
        least=1,
        most=most,
        spot_share=1.0 if spot else 0.0,
        on_demand_base=1,
        public_address=True,
    )
    usage = question.usage(question.cpu_seconds)
    charges = (*aws.priced(task, region, usage).charges, *load_balancer_charges(usage))
    settings = common_settings(question, "fargate", 1, most) | {
        "region": region,
        "cpu": f"{size.cpu:g}",
        "memory": size.memory,
    }
    if spot:
        settings["spotPercent"] = "100"
    return Offer(
        name, "fargate", 2, region, charges, tuple(against), "one task and a load balancer always", settings
    )


def on_gke(question: Question, *, spot: bool) -> Offer:
    """Spot nodes without a GPU are compared only: the target has Spot for GPU nodes."""
    name, region = f"GKE{', nodes on Spot' if spot else ''}", question.gcp_region
    gib = max(0.5, question.need_mib / 1024)
    pods = min(int(NODE_CPU / question.cpu), int(NODE_GIB / gib))
    against = _against_cpu(question)
    if spot:
        against.append("the gke target has Spot for nodes with a GPU only")
    if not pods:
        against.append(f"no pod of it fits on {NODE_MACHINE}")
    if not pods or question.cpu_seconds is None:
        return Offer(name, "" if spot else "gke", 3, region, against=tuple(against))
    seconds = question.cpu_seconds
    instances = question.instances_at_peak(seconds, question.cpu) + 1
    nodes = -(-instances // pods)
    each = pods * question.cpu / seconds
    charges = (
        *cluster_charges(),
        *node_charges(question, NODE_MACHINE, "", spot, each, 1, nodes),
    )
    settings = common_settings(question, "gke", 1, instances) | {
        "project": question.project,
        "region": region,
        "cpu": f"{question.cpu:g}",
        "memory": quantity(64 * -(-int(gib * 1024) // 64)),
    }
    target = "" if spot else "gke"
    return Offer(
        name,
        target,
        3,
        region,
        charges,
        tuple(against),
        f"{NODE_MACHINE}, one node always, and an address",
        settings,
    )


@dataclass(frozen=True, slots=True)
class TargetOffers:
    """The offers of a target for a question, and further ones for a question with a GPU.

    none: a sentence on why it offers nothing; '' if it does.
    """

    plain: Callable[[Question], list[Offer]] = lambda _: []
    with_gpu: Callable[[Question], list[Offer]] = lambda _: []
    none: str = ""


# Target -> its offers; every target has an entry.
WAYS: Mapping[str, TargetOffers] = {
    "local": TargetOffers(none="This machine has no price."),
    "cloud-run": TargetOffers(
        lambda question: [_cloud_run(question, always=always) for always in (False, True)],
        lambda question: [cloud_run_gpu(question)],
    ),
    "fargate": TargetOffers(lambda question: [_fargate(question, spot=spot) for spot in (False, True)]),
    "gke": TargetOffers(
        lambda question: [on_gke(question, spot=spot) for spot in (False, True)],
        lambda question: [gke_gpu(question, spot) for spot in (False, True)],
    ),
    "kubernetes": TargetOffers(none="What a node of the cluster costs is not known."),
}


def offers_of(question: Question) -> list[Offer]:
    """List all offers, including those that do not fit."""
    offers = [offer for ways in WAYS.values() for offer in ways.plain(question)]
    if question.gpu:
        offers += [offer for ways in WAYS.values() for offer in ways.with_gpu(question)]
    return offers
