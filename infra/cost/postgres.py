"""What a database costs that an operator runs in the cluster: its pods and its volumes. Pure."""

from slipway.infra.cost.charge import Charge, NotPriced, Priced, Scene, Verdict
from slipway.infra.cost.gcp import DEFAULT_DISK, cluster_region
from slipway.infra.cost.pods import Request, share_of_a_node
from slipway.infra.resources.google import CLUSTER, NODE_POOL
from slipway.infra.resources.reading import Resource, at, cores, memory_gib, number


def cluster(resource: Resource, scene: Scene) -> Verdict:
    """Price the volumes of a Cluster of CloudNativePG; its pods are on nodes that are billed, or unknown."""
    spec = resource.inputs.get("spec")
    instances, size = number(at(spec, "instances"), 1), memory_gib(at(spec, "storage", "size"))
    if size is None:
        return NotPriced("the size of its volumes is not known")
    volumes = f"{instances:g} volume{'s' if instances != 1 else ''} of {size:g} GiB"
    if not scene.of_type(NODE_POOL, CLUSTER):
        share = share_of_a_node(_request(spec), instances, instances)
        return NotPriced(f"it runs on nodes and disks that are not of this stack, with {volumes}{share}")
    charge = Charge.always(f"compute/disk/{DEFAULT_DISK}", instances * size)
    return Priced(
        cluster_region(scene),
        (charge,),
        note=f"{volumes}, as the default storage class makes; its pods run on the cluster's nodes",
    )


def _request(spec: object) -> Request:
    requests = at(spec, "resources", "requests")
    return Request(cores(at(requests, "cpu")) or 0.0, memory_gib(at(requests, "memory")) or 0.0, 0, "")
