"""The description of one Cloud Run service: the cloud-neutral one and what this cloud adds, complete."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pulumi

from ..spec import InferenceServiceSpec
from .args import CloudRunServiceArgs, ExecutionEnvironment, Ingress, VpcEgress
from .limits import GEN2_MIB


@dataclass(frozen=True, slots=True)
class CloudRunSpec:
    """service: as on every target. vpc_egress: None without a network. Checked by rules.checked_spec."""

    service: InferenceServiceSpec
    image_ref: pulumi.Input[str]
    project: str
    region: str
    api_key: pulumi.Input[str] | None = field(repr=False)
    secret_values: Mapping[str, pulumi.Input[str]] = field(repr=False)
    cpu_always: bool
    startup_cpu_boost: bool
    execution_environment: ExecutionEnvironment
    gpu_zonal_redundancy: bool
    cuda_version: str
    model_volume: bool
    invokers: tuple[str, ...]
    ingress: Ingress
    vpc_network: str
    vpc_subnetwork: str
    vpc_egress: VpcEgress | None
    domain: str
    deletion_protection: bool
    enable_apis: bool

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill the defaults; nothing is checked but the types, by whom they come from."""
        given = cast("CloudRunServiceArgs", args)
        service = InferenceServiceSpec.read(name, given)
        with_gpu, in_vpc = bool(service.gpu), bool(args.get("vpc_network") or args.get("vpc_subnetwork"))
        return cls(
            service=service,
            image_ref=args.get("image_ref", ""),
            project=args.get("project", ""),
            region=args.get("region", ""),
            api_key=given.get("api_key"),
            secret_values=dict(given.get("secret_values", {})),
            cpu_always=given.get("cpu_always", with_gpu),
            startup_cpu_boost=given.get("startup_cpu_boost", not with_gpu),
            execution_environment=given.get("execution_environment", _environment_for(service)),
            gpu_zonal_redundancy=given.get("gpu_zonal_redundancy", False),
            cuda_version=given.get("cuda_version", ""),
            model_volume=given.get("model_volume", False),
            invokers=tuple(given.get("invokers", ())),
            ingress=given.get("ingress", Ingress.ALL),
            vpc_network=given.get("vpc_network", ""),
            vpc_subnetwork=given.get("vpc_subnetwork", ""),
            vpc_egress=given.get("vpc_egress", VpcEgress.PRIVATE_RANGES_ONLY if in_vpc else None),
            domain=given.get("domain", ""),
            deletion_protection=given.get("deletion_protection", True),
            enable_apis=given.get("enable_apis", True),
        )

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def memory_mib(self) -> float:
        return self.service.memory_gib * 1024


def _environment_for(service: InferenceServiceSpec) -> ExecutionEnvironment:
    small = service.cpu < 1 or service.memory_gib * 1024 < GEN2_MIB
    return ExecutionEnvironment.GEN1 if small else ExecutionEnvironment.GEN2
