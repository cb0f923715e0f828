"""Charges of what runs on Google Cloud apart from Cloud Run: GKE, disks, addresses, storage, secrets. Pure.

A machine type of the families below is priced with its GPU: an accelerator that is declared with it, as GKE
requires, costs nothing more. A T4 is attached to an N1 and is priced by itself.
"""

import math
import re

from slipway.infra.cost.charge import (
    Charge,
    Free,
    NotPriced,
    Priced,
    Scene,
    Verdict,
    is_forwarding_rule,
)
from slipway.infra.cost.usage import HOURS
from slipway.infra.resources.google import CLUSTER, LOG_BUCKET, NODE_POOL
from slipway.infra.resources.kubernetes import DEPLOYMENT
from slipway.infra.resources.reading import (
    UNKNOWN,
    Resource,
    at,
    cores,
    items_at,
    memory_gib,
    number,
)

_WITH_GPU = ("g2-", "g4-", "a2-", "a3-", "a4-")
# container_v1 NodeConfig: what GKE takes where nothing is said.
_DEFAULT_MACHINE, DEFAULT_DISK, _DEFAULT_DISK_GB = "e2-medium", "pd-balanced", 100
# A regional cluster without node locations runs in three zones.
_DEFAULT_ZONES = 3
_MILLION = 1e6
# cloud.google.com/compute/docs/general-purpose-machines: the vCPU that a shared-core type has for good.
_SHARED_CORES = {"e2-micro": 0.25, "e2-small": 0.5, "e2-medium": 1.0, "f1-micro": 0.2, "g1-small": 0.5}
_FIRST_RULES = 5
# components/kubernetes/workers.py: the container of what answers no requests.
_WORKER = "worker"
_OWN_PODS_CPU = 0.4
# cloud.google.com/stackdriver/pricing: what is written to a log bucket stays for 30 days without a charge.
LOG_DAYS_INCLUDED = 30.0


def node_charges(
    machine: str, gpus: tuple[tuple[str, float], ...], spot: bool, hours: Charge
) -> list[Charge]:
    """Return the charges of nodes for these hours. gpus: accelerator type and count of each node."""
    suffix = "/spot" if spot else ""
    charges = [_times(hours, f"compute/{machine}{suffix}", 1)]
    if not machine.startswith(_WITH_GPU):
        charges += [_times(hours, f"compute/gpu/{type_}{suffix}", count) for type_, count in gpus]
    return charges


def node_pool(resource: Resource, scene: Scene) -> Verdict:
    config = at(resource.inputs, "nodeConfig")
    machine = at(config, "machineType") or _DEFAULT_MACHINE
    location = _location(resource, scene)
    if not location or machine == UNKNOWN:
        return NotPriced("its location or machine type is not known before it is made")
    zones = _zones(resource, location, scene)
    least, most = _counts(resource, zones)
    capacity = _capacity(scene, str(machine), bool(items_at(config, "guestAccelerators")))
    serving = bool(items_at(config, "guestAccelerators")) or not scene.of_type(NODE_POOL)[1:]
    hours, missing = _hours(scene, capacity if serving else None, serving, least, most)
    gpus = tuple(
        (str(at(one, "type")), number(at(one, "count"), 1)) for one in items_at(config, "guestAccelerators")
    )
    spot = at(config, "spot") is True or at(config, "preemptible") is True
    disk = at(config, "diskType") or DEFAULT_DISK
    charges = node_charges(str(machine), gpus, spot, hours)
    gigabytes = number(at(config, "diskSizeGb"), _DEFAULT_DISK_GB)
    charges.append(_times(hours, f"compute/disk/{disk}", gigabytes / HOURS))
    return Priced(
        _region(location),
        tuple(charges),
        note=f"{least:g} to {most:g} of {machine}{' on Spot' if spot else ''}, zones: {zones}",
        unknown=missing,
        serves=serving,
        capacity_known=capacity is not None,
    )


def _hours(
    scene: Scene, capacity: float | None, serving: bool, least: float, most: float
) -> tuple[Charge, tuple[str, ...]]:
    usage = scene.usage
    busy = usage.instances(capacity, least, most) if capacity else least
    hours = Charge(
        "",
        least * HOURS,
        busy * usage.busy_hours + least * (HOURS - usage.busy_hours),
        most * HOURS,
        _MILLION / capacity / 3600 if capacity else 0.0,
    )
    missing = serving and capacity is None and usage.requests > 0 and most > least
    return hours, ("the busy time, because the model's throughput is not known",) if missing else ()


def _times(hours: Charge, key: str, each: float) -> Charge:
    return Charge(
        key, hours.idle * each, hours.expected * each, hours.maximum * each, hours.per_million * each
    )


def _capacity(scene: Scene, machine: str, gpu: bool) -> float | None:
    """Return the requests a second of one busy node: of its GPU, or of the pods that fit on it."""
    room = cpu_for_pods(_vcpu(machine))
    asked = [
        cores(at(one.inputs, "spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"))
        for one in scene.of_type(DEPLOYMENT)
        if at(one.inputs, "spec", "template", "spec", "containers", 0, "name") != _WORKER
    ]
    if not gpu and len(asked) == 1 and asked[0]:
        room = math.floor(room / asked[0]) * asked[0]
    return scene.usage.capacity(room, gpu) if room or gpu else None


def cpu_for_pods(vcpu: float) -> float:
    """Return the vCPU of a node that the service's pods may request: less GKE's share and its own pods.

    Source: components/gke/machines.py, with which a test compares it; it is not imported, because the
    policy pack has no cloud's SDK.
    """
    share = 0.06 * min(vcpu, 1) + 0.01 * min(max(vcpu - 1, 0), 1)
    share += 0.005 * min(max(vcpu - 2, 0), 2) + 0.0025 * max(vcpu - 4, 0)
    return round(max(0.0, vcpu - share - _OWN_PODS_CPU), 3)


def _vcpu(machine: str) -> float:
    """Return the vCPU that a machine type has for good: the last number of its name, or a shared core's."""
    if machine in _SHARED_CORES:
        return _SHARED_CORES[machine]
    found = re.search(r"-(\d+)$", machine)
    return float(found[1]) if found else 2.0


def _location(resource: Resource, scene: Scene) -> str:
    for one in (resource, scene.partner(resource, CLUSTER)):
        location = one.inputs.get("location") if one else None
        if isinstance(location, str) and location != UNKNOWN:
            return location
    return ""


def _region(location: str) -> str:
    return re.sub(r"-[a-z]$", "", location)


def _zones(resource: Resource, location: str, scene: Scene) -> int:
    """Count the zones of the pool, else of its cluster, which lists only the zones next to its own."""
    own = len(items_at(resource.inputs, "nodeLocations"))
    zonal = _region(location) != location
    if own and resource.type == NODE_POOL:
        return own
    cluster = resource if resource.type == CLUSTER else scene.partner(resource, CLUSTER)
    further = len(items_at(cluster.inputs, "nodeLocations")) if cluster else 0
    if zonal:
        return 1 + further
    return further or _DEFAULT_ZONES


def _counts(resource: Resource, zones: int) -> tuple[float, float]:
    """Count the nodes of the whole pool: GKE's `min` and `max` are per zone, its `total` ones are not."""
    scaling = at(resource.inputs, "autoscaling")
    if scaling is None:
        count = resource.inputs.get("nodeCount")
        fixed = number(resource.inputs.get("initialNodeCount") if count is None else count, 1) * zones
        return fixed, fixed
    if at(scaling, "totalMaxNodeCount") is not None:
        return number(at(scaling, "totalMinNodeCount"), 0), number(at(scaling, "totalMaxNodeCount"), 0)
    return number(at(scaling, "minNodeCount"), 0) * zones, number(at(scaling, "maxNodeCount"), 0) * zones


def cluster(resource: Resource, scene: Scene) -> Verdict:
    location = resource.inputs.get("location")
    if not isinstance(location, str) or location == UNKNOWN:
        return NotPriced("its location is not known before it is made")
    charges = [Charge.always("gke/cluster", HOURS)]
    unknown: tuple[str, ...] = ()
    if resource.inputs.get("enableAutopilot") is True:
        unknown = ("the pods of an Autopilot cluster",)
    elif resource.inputs.get("removeDefaultNodePool") is not True:
        nodes = number(resource.inputs.get("initialNodeCount"), 1) * _zones(resource, location, scene)
        machine = at(resource.inputs, "nodeConfig", "machineType") or _DEFAULT_MACHINE
        charges += node_charges(str(machine), (), False, Charge.always("", nodes * HOURS))
        charges.append(Charge.always(f"compute/disk/{DEFAULT_DISK}", nodes * _DEFAULT_DISK_GB))
    note = "the fee of the cluster; the monthly credit for one is not taken off"
    return Priced(_region(location), tuple(charges), note=note, unknown=unknown)


def forwarding_rule(resource: Resource, scene: Scene) -> Verdict:
    """Price a forwarding rule: the first five of a stack cost more each than the others.

    A project may have others already.
    """
    position = scene.forwarding_rules[resource.urn]
    key = "forwarding-rule/first-five" if position < _FIRST_RULES else "forwarding-rule/further"
    charges = [Charge.always(key, HOURS), Charge.by_use("forwarding-rule/data", scene.usage.egress_gb)]
    if position == 0:
        charges.append(Charge.by_use("gcp/egress", scene.usage.egress_gb))
    region = resource.inputs.get("region")
    return Priced(
        region if isinstance(region, str) else cluster_region(scene), tuple(charges), note="a forwarding rule"
    )


def kubernetes_service(resource: Resource, scene: Scene) -> Verdict:
    """Price the load balancer of a Service; without one it is an address within the cluster."""
    if is_forwarding_rule(resource):
        return forwarding_rule(resource, scene)
    return Free("an address within the cluster has no charge")


def volume_claim(resource: Resource, scene: Scene) -> Verdict:
    size = memory_gib(at(resource.inputs, "spec", "resources", "requests", "storage"))
    if size is None:
        return NotPriced("the size of the claim is not known")
    charge = Charge.always(f"compute/disk/{DEFAULT_DISK}", size)
    return Priced(
        cluster_region(scene), (charge,), note=f"a disk of {size:g} GiB, as the default storage class makes"
    )


def cluster_region(scene: Scene) -> str:
    for one in [*scene.of_type(CLUSTER), *scene.of_type(NODE_POOL)]:
        location = one.inputs.get("location")
        if isinstance(location, str) and location != UNKNOWN:
            return _region(location)
    return ""


def image_repository(resource: Resource, scene: Scene) -> Verdict:
    charge = Charge.always("artifact-registry/storage", scene.usage.image_gb)
    region = str(resource.inputs.get("location", ""))
    return Priced(region, (charge,), note=f"{scene.usage.image_gb:g} GB of images")


def log_bucket(resource: Resource, scene: Scene) -> Verdict:
    """Price a bucket of Cloud Logging by its share of the assumed log: all buckets get the same.

    30 days are in the price of what is written; what is older is billed by the month.
    """
    written = scene.usage.log_gb / len(scene.of_type(LOG_BUCKET))
    days = number(resource.inputs.get("retentionDays"), LOG_DAYS_INCLUDED)
    kept = written * max(0.0, days - LOG_DAYS_INCLUDED) / LOG_DAYS_INCLUDED
    charges = (
        Charge.by_use("cloud-logging/ingestion", written),
        Charge.by_use("cloud-logging/retention", kept),
    )
    return Priced("", charges, note=f"{written:.3g} GB written a month, kept for {days:g} days")


def secret_version(_resource: Resource, _scene: Scene) -> Verdict:
    return Priced("", (Charge.always("secret-manager/version", 1),), note="one active version")


def router_nat(_resource: Resource, _scene: Scene) -> Verdict:
    return NotPriced("it is billed by the number of VMs behind it and the data through it")
