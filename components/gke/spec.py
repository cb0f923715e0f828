"""The complete arguments of one cluster and its pools."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi

from .. import gpu_drivers
from ..declared import argument, read_into
from ..google.artifact_registry import ImageRepository
from ..image_reference import ImageReference
from . import limits
from .args import GpuDriver, GpuSharing, ReleaseChannel
from .machines import Machine, smallest_with
from .shapes import machine_of

CPU_MACHINE = "e2-standard-2"
_CLIENTS = 2


@dataclass(frozen=True, slots=True)
class GkeClusterSpec:
    """The arguments of one cluster, checked by rules.checked_spec.

    '' and None: not given. given: names of the arguments that were.
    """

    name: str
    given: frozenset[str]
    project: str = argument("")
    location: str = argument("")
    zones: tuple[str, ...] = argument(())
    release_channel: ReleaseChannel = argument(ReleaseChannel.REGULAR)
    private_nodes: bool = argument(default=True)
    control_plane_cidrs: tuple[pulumi.Input[str], ...] = argument(())
    network: pulumi.Input[str] = argument("default")
    subnetwork: pulumi.Input[str] = argument("")
    pods_range: pulumi.Input[str] = argument("")
    services_range: pulumi.Input[str] = argument("")
    node_service_account: pulumi.Input[str] | None = argument(None)
    image_ref: str = argument("")
    image_repository: str = argument("")
    cpu_machine_type: str = argument(CPU_MACHINE)
    cpu_min_nodes: float = argument(1)
    cpu_max_nodes: float = argument(3)
    gpu: str = argument("")
    gpu_count: float = argument(1)
    machine_type: str = argument(derived=lambda spec: _smallest(spec.gpu, spec.gpu_count))
    gpu_min_nodes: float = argument(0)
    gpu_max_nodes: float = argument(1)
    gpu_min_nodes_per_zone: float | None = argument(None)
    gpu_driver: GpuDriver = argument(GpuDriver.LATEST)
    cuda_version: str = argument("")
    gpu_sharing: GpuSharing | None = argument(None)
    gpu_clients: float = argument(derived=lambda spec: _CLIENTS if spec.gpu_sharing else 1)
    spot: bool = argument(default=False)
    flex_start: bool = argument(default=False)
    disk_gib: float = argument(100)
    cluster: str = argument("")
    node_pool: str = argument("")
    labels: Mapping[str, str] = argument({})
    deletion_protection: bool = argument(default=True)
    enable_apis: bool = argument(default=True)

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; the caller has checked the types, and nothing else is checked here."""
        return read_into(cls, args, name=name, given=frozenset(args))

    @property
    def own_cluster(self) -> bool:
        return not self.cluster

    @property
    def own_gpu_pool(self) -> bool:
        return bool(self.gpu) and not self.node_pool

    @property
    def makes_nodes(self) -> bool:
        """Return whether the pods run on nodes that are created here."""
        return self.own_cluster or self.own_gpu_pool

    @property
    def image(self) -> ImageReference | None:
        return ImageReference.parse(self.image_ref)

    @property
    def repository(self) -> ImageRepository | None:
        """Return the repository of Artifact Registry that the nodes pull from; None if another or unknown."""
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
        """Return the number of zones of a pool."""
        return len(self.zones) or (1 if self.is_zonal else limits.REGIONAL_ZONES)

    @property
    def machine(self) -> Machine | None:
        """Return the machine of the GPU pool."""
        return machine_of(self.machine_type, self.gpu)

    @property
    def cpu_machine(self) -> Machine | None:
        return machine_of(self.cpu_machine_type)

    @property
    def driver(self) -> int | None:
        """Return the branch of the NVIDIA driver on the GPU pool; None if GKE does not install it."""
        return gpu_drivers.GKE.get(self.gpu_driver.value) if self.own_gpu_pool else None

    @property
    def least_gpu_nodes(self) -> int:
        """Return the minimum number of GPU nodes over all zones."""
        if self.gpu_min_nodes_per_zone is not None:
            return int(self.gpu_min_nodes_per_zone) * self.node_zones
        return int(self.gpu_min_nodes)

    @property
    def gpu_choices(self) -> dict[str, str]:
        """Return the choices that replace the GPU pool when they change, beyond those of every pool."""
        return {
            "gpu": self.gpu,
            "gpu_count": str(int(self.gpu_count)),
            "gpu_driver": self.gpu_driver.value,
            "gpu_sharing": self.gpu_sharing.value if self.gpu_sharing else "",
            "gpu_clients": str(int(self.gpu_clients)),
            "spot": str(self.spot),
            "flex_start": str(self.flex_start),
        }


def _smallest(gpu: str, count: float) -> str:
    """Return the default machine of the GPU pool; '' if none has these GPUs."""
    found = smallest_with(gpu, int(count)) if gpu and math.isfinite(count) else None
    return found.name if found else ""
