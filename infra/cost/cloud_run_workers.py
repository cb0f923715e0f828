"""Charges of the workers of a service on Cloud Run: each instance of the pool, all the time. Pure.

A pool has a fixed number of instances, which are billed whether they work or wait.
Source: cloud.google.com/run/pricing, worker pools.
"""

from slipway.infra.cost.charge import Charge, NotPriced, Priced, Scene, Verdict
from slipway.infra.cost.cloud_run import sizes
from slipway.infra.cost.usage import SECONDS
from slipway.infra.resources.reading import UNKNOWN, Resource, at, items_at, number


def worker_pool(resource: Resource, _scene: Scene) -> Verdict:
    region = resource.inputs.get("location")
    (cpu, *_), memory = sizes(items_at(resource.inputs, "template", "containers") or [None])
    if not isinstance(region, str) or region == UNKNOWN or cpu is None or memory is None:
        return NotPriced("its region, CPU or memory is not known before it is made")
    count = number(at(resource.inputs, "scaling", "manualInstanceCount"), 1)
    gpu = at(resource.inputs, "template", "nodeSelector", "accelerator") or ""
    seconds = count * SECONDS
    charges = [
        Charge.always("cloud-run/worker-cpu", cpu * seconds),
        Charge.always("cloud-run/worker-memory", memory * seconds),
    ]
    if gpu:
        zonal = at(resource.inputs, "template", "gpuZonalRedundancyDisabled") is not True
        charges.append(Charge.always(f"cloud-run/gpu/{gpu}{'/zonal' if zonal else ''}", seconds))
    each = f"{cpu:g} vCPU, {memory:g} GiB{f' and {gpu}' if gpu else ''}"
    return Priced(region, tuple(charges), note=f"{count:g} of {each}; all the time")
