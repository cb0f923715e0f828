"""The options with a GPU that Slipway deploys, Cloud Run and GKE. Pure; each returns an Offer."""

import math

from slipway.components import gpu_drivers
from slipway.infra.advise.offer import Offer
from slipway.infra.advise.parts import cluster_charges, common_settings, node_charges, too_slow
from slipway.infra.advise.question import GPU_GIB, Question
from slipway.infra.cost import cloud_run
from slipway.infra.cost.cloud_run import RunSize

# components/cloud_run/limits.py: the least that goes with an L4.
_L4_CPU, _L4_GIB = 4, 16
_L4_RUN_REGIONS = ("asia-southeast1", "europe-west1", "europe-west4", "us-east4")
_SYSTEM_MACHINE = "e2-standard-2"
# Memory of a pod with a GPU in GiB: what is taken at least, and what the smallest of the machines has for it.
_GPU_POD_GIB = (4, 10)
# GPU -> machine type and whether the GPU is priced apart.
_GPU_MACHINES = {
    "nvidia-l4": "g2-standard-4",
    "nvidia-tesla-t4": "n1-standard-4",
    "nvidia-tesla-a100": "a2-highgpu-1g",
}


def cloud_run_gpu(question: Question) -> Offer:
    name = f"Cloud Run with {question.gpu}"
    assert question.gpu_seconds is not None  # checked with the question
    region = question.gcp_region
    if region == "us-central1":
        region = "us-east4"  # there the L4 is by invitation
    against = [*too_slow(question, question.gpu_seconds), *_against_gpu_memory(question)]
    if question.gpu != "nvidia-l4":
        return Offer(
            name, "cloud-run", 1, region, against=(*against, "of these GPUs Cloud Run has the nvidia-l4")
        )
    driver = gpu_drivers.CLOUD_RUN[question.gpu]
    if gpu_drivers.is_too_old(driver, gpu_drivers.IMAGE_CUDA):
        against.append(
            f"its driver there is {driver}; the image that is built here has CUDA {gpu_drivers.IMAGE_CUDA}, "
            f"which needs {gpu_drivers.least_driver(gpu_drivers.IMAGE_CUDA)} or newer"
        )
    if region not in _L4_RUN_REGIONS:
        against.append(f"Cloud Run has no nvidia-l4 in {region}, or by invitation")
    least = 1 if question.warm else 0
    most = question.instances_at_peak(question.gpu_seconds, 1) + 1
    run = RunSize(_L4_CPU, _L4_GIB, question.gpu, zonal=False, always=True, least=least, most=most)
    settings = common_settings(question, "cloud-run", least, most) | {
        "project": question.project,
        "region": region,
        "cpu": str(_L4_CPU),
        "memory": f"{_L4_GIB}Gi",
        "gpu": question.gpu,
    }
    charges = cloud_run.priced(run, region, question.usage(question.gpu_seconds)).charges
    return Offer(
        name, "cloud-run", 1, region, charges, tuple(against), "a new project has no GPU quota", settings
    )


def _against_gpu_memory(question: Question) -> list[str]:
    if question.need_mib > GPU_GIB[question.gpu] * 1024:
        need = question.need_mib / 1024
        return [f"the model needs {need:.1f} GiB; {question.gpu} has {GPU_GIB[question.gpu]:g}"]
    return []


def gke_gpu(question: Question, spot: bool) -> Offer:
    machine, region = _GPU_MACHINES[question.gpu], question.gcp_region
    gib = max(_GPU_POD_GIB[0], math.ceil(question.need_mib / 1024))
    name = f"GKE with {question.gpu}{' on Spot' if spot else ''}"
    assert question.gpu_seconds is not None  # checked with the question
    against = [*too_slow(question, question.gpu_seconds), *_against_gpu_memory(question)]
    if spot and not question.spot:
        against.append("Google can reclaim Spot nodes; allow that with --spot")
    if gib > _GPU_POD_GIB[1]:
        against.append(
            f"{question.need_mib / 1024:.1f} GiB of memory do not fit next to GKE's own pods on {machine}"
        )
    least = 1
    most = question.instances_at_peak(question.gpu_seconds, 1) + 1
    charges = (
        *cluster_charges(),
        *node_charges(question, _SYSTEM_MACHINE, "", False, 1e12, 1, 1),
        *node_charges(question, machine, question.gpu, spot, 1 / question.gpu_seconds, least, most),
    )
    settings = common_settings(question, "gke", least, most) | {
        "project": question.project,
        "region": region,
        "cpu": "2",
        "memory": f"{gib}Gi",
        "gpu": question.gpu,
    }
    if spot:
        settings["spot"] = "true"
    remark = f"{machine}, and one {_SYSTEM_MACHINE} for the cluster; an address"
    return Offer(name, "gke", 3, region, charges, tuple(against), remark, settings)
