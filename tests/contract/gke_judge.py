"""Judges a cluster and its pools as they are sent: Google's own messages, then our rules read backwards.

It knows nothing of the arguments. `python -m tests.contract.gke_judge` reads a JSON form a line and answers a
verdict a line. It is a process of its own, because Google's library and Pulumi's provider both bring a
google.rpc.Status.
"""

import ipaddress
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.cloud import container_v1
from google.protobuf.json_format import ParseError

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
# Machine family -> its accelerator, and the GPUs that a machine's own name tells.
_G2 = {"4": 1, "8": 1, "12": 1, "16": 1, "24": 2, "32": 1, "48": 4, "96": 8}


@dataclass(frozen=True, slots=True)
class Sent:
    """cluster: None where an existing one is used."""

    project: str
    location: str
    cluster: container_v1.Cluster | None
    pools: tuple[container_v1.NodePool, ...]

    @property
    def gpu_pools(self) -> list[container_v1.NodePool]:
        return [pool for pool in self.pools if pool.config.accelerators]

    @property
    def cpu_pools(self) -> list[container_v1.NodePool]:
        return [pool for pool in self.pools if not pool.config.accelerators]

    @property
    def is_regional(self) -> bool:
        return self.location[-2] != "-"

    @property
    def region(self) -> str:
        return self.location if self.is_regional else self.location[:-2]


def gpus_of(machine: str) -> dict[str, set[int]]:
    """Return the accelerators of a machine type and their possible numbers, from the name alone."""
    family, _, size = machine.partition("-")
    number = size.rpartition("-")[2]
    if family == "g2":
        return {"nvidia-l4": {_G2.get(number, 0)}}
    if family == "g4":
        return {"nvidia-rtx-pro-6000": {int(number) // 48}}
    if family == "n1":
        cpu = int(number)
        return {
            "nvidia-tesla-t4": {1, 2, 4} if cpu <= 48 else {4},
            "nvidia-tesla-v100": {n for n, most in ((1, 12), (2, 24), (4, 48), (8, 96)) if cpu <= most},
        }
    named = {
        "a2-highgpu": "nvidia-tesla-a100",
        "a2-ultragpu": "nvidia-a100-80gb",
        "a3-highgpu": "nvidia-h100-80gb",
        "a3-megagpu": "nvidia-h100-mega-80gb",
        "a3-ultragpu": "nvidia-h200-141gb",
    }
    accelerator = named.get(machine.rpartition("-")[0], "")
    return {accelerator: {int(number.removesuffix("g"))}} if accelerator else {}


def _gpus_fit_the_machine(sent: Sent) -> bool:
    for pool in sent.gpu_pools:
        [accelerator] = pool.config.accelerators
        counts = gpus_of(pool.config.machine_type).get(accelerator.accelerator_type, set())
        if accelerator.accelerator_count not in counts:
            return False
    return not any(pool.config.machine_type.startswith(("g2", "g4", "a2", "a3")) for pool in sent.cpu_pools)


def _limits_are_of_one_kind(sent: Sent) -> bool:
    """Of the whole pool, or of each zone: GKE takes one pair."""
    for pool in sent.pools:
        limits = pool.autoscaling
        each, total = limits.max_node_count, limits.total_max_node_count
        wrong = limits.min_node_count if total else limits.total_min_node_count
        if not limits.enabled or bool(each) == bool(total) or wrong:
            return False
    return True


def _least_and_most(pool: container_v1.NodePool) -> tuple[int, int]:
    limits = pool.autoscaling
    if limits.total_max_node_count:
        return limits.total_min_node_count, limits.total_max_node_count
    return limits.min_node_count, limits.max_node_count


def _begins_within_its_limits(sent: Sent) -> bool:
    zones = {pool.name: len(pool.locations) or (3 if sent.is_regional else 1) for pool in sent.pools}
    return all(
        pool.initial_node_count * (zones[pool.name] if pool.autoscaling.total_max_node_count else 1)
        <= _least_and_most(pool)[1]
        for pool in sent.pools
    )


def _upgrades_need_no_spare_gpu(sent: Sent) -> bool:
    return all(
        pool.config.flex_start
        or (pool.upgrade_settings.max_surge == 0 and pool.upgrade_settings.max_unavailable >= 1)
        for pool in sent.gpu_pools
    )


def _gpus_are_tainted(sent: Sent) -> bool:
    wanted = [("nvidia.com/gpu", "present", container_v1.NodeTaint.Effect.NO_SCHEDULE)]
    return all(
        [(taint.key, taint.value, taint.effect) for taint in pool.config.taints] == wanted
        for pool in sent.gpu_pools
    ) and not any(pool.config.taints for pool in sent.cpu_pools)


def _capacity_is_of_one_kind(sent: Sent) -> bool:
    """Spot, flex start or neither; and neither of the two from a reservation."""
    none = container_v1.ReservationAffinity.Type.NO_RESERVATION
    return all(
        not (pool.config.spot and pool.config.flex_start)
        and (
            not (pool.config.spot or pool.config.flex_start)
            or pool.config.reservation_affinity.consume_reservation_type == none
        )
        for pool in sent.pools
    )


def _nodes_are_repaired(sent: Sent) -> bool:
    """And upgraded, as a release channel asks; those by flex start are never repaired."""
    return all(
        pool.management.auto_upgrade and pool.management.auto_repair is not pool.config.flex_start
        for pool in sent.pools
    )


def _sharing_is_allowed(sent: Sent) -> bool:
    shared = [
        accelerator.gpu_sharing_config
        for pool in sent.gpu_pools
        for accelerator in pool.config.accelerators
        if accelerator.gpu_sharing_config.gpu_sharing_strategy
    ]
    return all(2 <= sharing.max_shared_clients_per_gpu <= 48 for sharing in shared)


def _a_driver_is_chosen(sent: Sent) -> bool:
    """Check that Google installs the driver where secure boot is on, which loads no other driver."""
    for pool in sent.gpu_pools:
        [accelerator] = pool.config.accelerators
        version = accelerator.gpu_driver_installation_config.gpu_driver_version
        own = version == container_v1.GPUDriverInstallationConfig.GPUDriverVersion.INSTALLATION_DISABLED
        if not version or own is pool.config.shielded_instance_config.enable_secure_boot:
            return False
    return True


def _zones_are_of_the_region(sent: Sent) -> bool:
    zones = [zone for pool in sent.pools for zone in pool.locations]
    zones += list(sent.cluster.locations) if sent.cluster else []
    return all(zone[:-2] == sent.region and zone[-2] == "-" for zone in zones)


def _zonal_cluster_names_further_zones(sent: Sent) -> bool:
    return sent.cluster is None or sent.location not in sent.cluster.locations


def _networks(sent: Sent) -> bool:
    if sent.cluster is None:
        return True
    try:
        for block in sent.cluster.master_authorized_networks_config.cidr_blocks:
            ipaddress.IPv4Network(block.cidr_block)
    except ValueError:
        return False
    return True


def _privacy_agrees(sent: Sent) -> bool:
    found = {pool.network_config.enable_private_nodes for pool in sent.pools}
    if sent.cluster is not None:
        found.add(sent.cluster.private_cluster_config.enable_private_nodes)
    return len(found) <= 1


def _has_a_cpu_pool(sent: Sent) -> bool:
    if sent.cluster is None:
        return not sent.cpu_pools
    return [_least_and_most(pool)[0] >= 1 for pool in sent.cpu_pools] == [True]


def _identities(sent: Sent) -> bool:
    mode = container_v1.WorkloadMetadataConfig.Mode.GKE_METADATA
    pool = sent.cluster.workload_identity_config.workload_pool if sent.cluster else None
    return pool in (None, f"{sent.project}.svc.id.goog") and all(
        node.service_account.endswith(".iam.gserviceaccount.com")
        and node.workload_metadata_config.mode == mode
        for node in _nodes(sent)
    )


def _nodes(sent: Sent) -> Iterable[container_v1.NodeConfig]:
    """Of the pools, and of the first one, which goes at once."""
    yield from (pool.config for pool in sent.pools)
    if sent.cluster is not None:
        yield sent.cluster.node_config


def _has_what_a_service_needs(sent: Sent) -> bool:
    """Network policies, metrics, Gateway, buckets and secrets as files."""
    cluster = sent.cluster
    if cluster is None:
        return True
    return (
        cluster.network_config.datapath_provider == container_v1.DatapathProvider.ADVANCED_DATAPATH
        and cluster.ip_allocation_policy.use_ip_aliases
        and cluster.monitoring_config.managed_prometheus_config.enabled
        and cluster.network_config.gateway_api_config.channel
        == container_v1.GatewayAPIConfig.Channel.CHANNEL_STANDARD
        and cluster.addons_config.gcs_fuse_csi_driver_config.enabled
        and not cluster.addons_config.http_load_balancing.disabled
        and not cluster.addons_config.horizontal_pod_autoscaling.disabled
        and cluster.secret_manager_config.enabled
    )


def _is_hardened(sent: Sent) -> bool:
    return all(node.shielded_instance_config.enable_integrity_monitoring for node in _nodes(sent)) and (
        sent.cluster is None or (sent.cluster.shielded_nodes.enabled and not sent.cluster.legacy_abac.enabled)
    )


def _labels(sent: Sent) -> bool:
    found = [dict(pool.config.resource_labels) for pool in sent.pools]
    found += [dict(sent.cluster.resource_labels)] if sent.cluster else []
    texts = [text for labels in found for pair in labels.items() for text in pair]
    return all(_LABEL.fullmatch(text) for text in texts) and all(len(labels) <= 64 for labels in found)


RULES: Mapping[str, Callable[[Sent], bool]] = {
    "names have at most 40 lowercase letters, digits and hyphens": lambda s: all(
        _NAME.fullmatch(name) for name in [*(p.name for p in s.pools), s.cluster.name if s.cluster else "a"]
    ),
    "names of pools differ": lambda s: len({pool.name for pool in s.pools}) == len(s.pools),
    "the machine has these GPUs": _gpus_fit_the_machine,
    "limits are of the pool or of each zone": _limits_are_of_one_kind,
    "the most nodes are not below the least": lambda s: all(
        0 <= least <= most <= 1000 and most >= 1 for least, most in map(_least_and_most, s.pools)
    ),
    "a pool begins within its limits": _begins_within_its_limits,
    "an upgrade needs no spare GPU": _upgrades_need_no_spare_gpu,
    "GPU nodes are tainted, others are not": _gpus_are_tainted,
    "capacity is of one kind": _capacity_is_of_one_kind,
    "nodes are upgraded, and repaired where they may be": _nodes_are_repaired,
    "a GPU is shared by 2 to 48": _sharing_is_allowed,
    "a driver is chosen, and can be loaded": _a_driver_is_chosen,
    "zones are of the region": _zones_are_of_the_region,
    "a zonal cluster names its further zones only": _zonal_cluster_names_further_zones,
    "who may reach the control plane is a network": _networks,
    "all nodes are private, or none": _privacy_agrees,
    "there is one pool without GPU, and it is never empty": _has_a_cpu_pool,
    "nodes have an account of their own, and pods theirs": _identities,
    "the cluster has what a service needs": _has_what_a_service_needs,
    "nodes are shielded, and rights are roles": _is_hardened,
    "images are streamed": lambda s: all(
        pool.config.gcfs_config.enabled and pool.config.image_type == "COS_CONTAINERD" for pool in s.pools
    ),
    "the disk is of a kind that the machine takes": lambda s: all(
        pool.config.disk_type.startswith("hyperdisk") is pool.config.machine_type.startswith("g4-")
        for pool in s.pools
    ),
    "versions come by a release channel": lambda s: (
        s.cluster is None or bool(s.cluster.release_channel.channel)
    ),
    "labels are lowercase letters, digits, _ and -": _labels,
}


def sent_of(form: Mapping[str, Any]) -> Sent:
    """Parse a request. Raises ParseError for an unknown field, a wrong type or a wrong choice."""
    cluster, pool = container_v1.Cluster, container_v1.NodePool
    return Sent(
        form["project"],
        form["location"],
        _message(cluster, form["cluster"]) if form["cluster"] else None,
        tuple(_message(pool, one) for one in form["pools"]),
    )


def _message(kind: Any, form: Mapping[str, Any]) -> Any:
    return kind.from_json(json.dumps(form), ignore_unknown_fields=False)


def verdict(form: str) -> dict[str, Any]:
    try:
        sent = sent_of(json.loads(form))
    except ParseError as error:
        return {"refused": str(error), "broken": []}
    return {"refused": None, "broken": [name for name, holds in RULES.items() if not holds(sent)]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(line)), flush=True)
