"""The description of one cluster and its pools, complete."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import pulumi

from .. import gpu_drivers
from ..artifact_registry import ImageRepository
from ..image_reference import ImageReference
from . import limits
from .args import GkeClusterArgs, GpuDriver, GpuSharing, ReleaseChannel
from .machines import MACHINES, Machine, smallest_with

CPU_MACHINE = "e2-standard-2"
_CLIENTS = 2


@dataclass(frozen=True, slots=True)
class GkeClusterSpec:
    """'' and None: not given. Checked by rules.checked_spec. given: names of the arguments."""

    name: str
    project: str
    location: str
    zones: tuple[str, ...]
    release_channel: ReleaseChannel
    private_nodes: bool
    control_plane_cidrs: tuple[str, ...]
    network: str
    subnetwork: str
    node_service_account: pulumi.Input[str] | None
    image_ref: str
    image_repository: str
    cpu_machine_type: str
    cpu_min_nodes: float
    cpu_max_nodes: float
    gpu: str
    gpu_count: float
    machine_type: str
    gpu_min_nodes: float
    gpu_max_nodes: float
    gpu_min_nodes_per_zone: float | None
    gpu_driver: GpuDriver
    cuda_version: str
    gpu_sharing: GpuSharing | None
    gpu_clients: float
    spot: bool
    flex_start: bool
    disk_gib: float
    cluster: str
    node_pool: str
    labels: Mapping[str, str]
    deletion_protection: bool
    enable_apis: bool
    given: frozenset[str]

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill the defaults; nothing is checked but the types, by whom they come from."""
        given = cast("GkeClusterArgs", args)
        gpu, count = given.get("gpu", ""), given.get("gpu_count", 1)
        smallest = smallest_with(gpu, int(count)) if gpu and math.isfinite(count) else None
        sharing = given.get("gpu_sharing")
        return cls(
            name=name,
            project=args.get("project", ""),
            location=args.get("location", ""),
            zones=tuple(given.get("zones", ())),
            release_channel=given.get("release_channel", ReleaseChannel.REGULAR),
            private_nodes=given.get("private_nodes", True),
            control_plane_cidrs=tuple(given.get("control_plane_cidrs", ())),
            network=given.get("network", "default"),
            subnetwork=given.get("subnetwork", ""),
            node_service_account=given.get("node_service_account"),
            image_ref=given.get("image_ref", ""),
            image_repository=given.get("image_repository", ""),
            cpu_machine_type=given.get("cpu_machine_type", CPU_MACHINE),
            cpu_min_nodes=given.get("cpu_min_nodes", 1),
            cpu_max_nodes=given.get("cpu_max_nodes", 3),
            gpu=gpu,
            gpu_count=count,
            machine_type=given.get("machine_type", smallest.name if smallest else ""),
            gpu_min_nodes=given.get("gpu_min_nodes", 0),
            gpu_max_nodes=given.get("gpu_max_nodes", 1),
            gpu_min_nodes_per_zone=given.get("gpu_min_nodes_per_zone"),
            gpu_driver=given.get("gpu_driver", GpuDriver.LATEST),
            cuda_version=given.get("cuda_version", ""),
            gpu_sharing=sharing,
            gpu_clients=given.get("gpu_clients", _CLIENTS if sharing else 1),
            spot=given.get("spot", False),
            flex_start=given.get("flex_start", False),
            disk_gib=given.get("disk_gib", 100),
            cluster=given.get("cluster", ""),
            node_pool=given.get("node_pool", ""),
            labels=dict(given.get("labels", {})),
            deletion_protection=given.get("deletion_protection", True),
            enable_apis=given.get("enable_apis", True),
            given=frozenset(args),
        )

    @property
    def own_cluster(self) -> bool:
        return not self.cluster

    @property
    def own_gpu_pool(self) -> bool:
        return bool(self.gpu) and not self.node_pool

    @property
    def makes_nodes(self) -> bool:
        """Whether the pods run on nodes that are made here."""
        return self.own_cluster or self.own_gpu_pool

    @property
    def image(self) -> ImageReference | None:
        return ImageReference.parse(self.image_ref)

    @property
    def repository(self) -> ImageRepository | None:
        """The repository of Artifact Registry that the nodes pull from; None elsewhere, or if unknown."""
        if self.image_ref:
            return self.image.google_repository if self.image else None
        return ImageRepository.named(self.image_repository)

    @property
    def cluster_name(self) -> str:
        return self.cluster or self.name

    @property
    def region(self) -> str:
        found = limits.LOCATION.fullmatch(self.location)
        return found["region"] if found else ""

    @property
    def is_zonal(self) -> bool:
        found = limits.LOCATION.fullmatch(self.location)
        return found is not None and found["zone"] is not None

    @property
    def node_zones(self) -> int:
        """In how many zones a pool has its nodes."""
        return len(self.zones) or (1 if self.is_zonal else limits.REGIONAL_ZONES)

    @property
    def machine(self) -> Machine | None:
        """Of the GPU pool."""
        return MACHINES.get(self.machine_type)

    @property
    def cpu_machine(self) -> Machine | None:
        return MACHINES.get(self.cpu_machine_type)

    @property
    def driver(self) -> int | None:
        """Branch of the NVIDIA driver that GKE installs on the GPU pool; None where another installs it."""
        return gpu_drivers.GKE.get(self.gpu_driver.value) if self.own_gpu_pool else None

    @property
    def least_gpu_nodes(self) -> int:
        """Over all zones."""
        if self.gpu_min_nodes_per_zone is not None:
            return int(self.gpu_min_nodes_per_zone) * self.node_zones
        return int(self.gpu_min_nodes)

    @property
    def gpu_choices(self) -> dict[str, str]:
        """What replaces the GPU pool where it changes, beside what replaces every pool."""
        return {
            "gpu": self.gpu,
            "gpu_count": str(int(self.gpu_count)),
            "gpu_driver": self.gpu_driver.value,
            "gpu_sharing": self.gpu_sharing.value if self.gpu_sharing else "",
            "gpu_clients": str(int(self.gpu_clients)),
            "spot": str(self.spot),
            "flex_start": str(self.flex_start),
        }
