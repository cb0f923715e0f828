"""The description of one Cloud Run service: the cloud-neutral one and what this cloud adds, complete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import pulumi

from ..declared import argument, read_into
from ..jobs.spec import JobsSpec
from ..observability.args import Observability
from ..observability.watch import AlarmThresholds, ServiceObjective
from ..rollouts.kinds import ROLLING
from ..sizes import MIB_OF_A_GIB
from ..spec import InferenceServiceSpec
from .args import ExecutionEnvironment, Ingress, VpcEgress
from .limits import GEN2_MIB, WORKER_CPU, WORKER_MIB


@dataclass(frozen=True, slots=True)
class CloudRunSpec:
    """The arguments of one Cloud Run service, checked by rules.checked_spec.

    service, jobs: as on every target. vpc_egress: None without a network.
    """

    service: InferenceServiceSpec
    jobs: JobsSpec
    image_ref: pulumi.Input[str] = argument("")
    project: pulumi.Input[str] = argument("")
    region: str = argument("")
    api_key: pulumi.Input[str] | None = argument(None, hidden=True)
    secret_values: Mapping[str, pulumi.Input[str]] = argument({}, hidden=True)
    cpu_always: bool = argument(derived=lambda spec: bool(spec.service.gpu))
    startup_cpu_boost: bool = argument(derived=lambda spec: not spec.service.gpu)
    execution_environment: ExecutionEnvironment = argument(
        derived=lambda spec: _environment_for(spec.service)
    )
    gpu_zonal_redundancy: bool = argument(default=False)
    cuda_version: str = argument("")
    model_volume: bool = argument(default=False)
    invokers: tuple[str, ...] = argument(())
    check_invokers: bool = argument(default=True)
    ingress: Ingress = argument(Ingress.ALL)
    vpc_network: pulumi.Input[str] = argument("")
    vpc_subnetwork: pulumi.Input[str] = argument("")
    vpc_egress: VpcEgress | None = argument(derived=lambda spec: _egress_for(spec))
    domain: str = argument("")
    jobs_database_instance: str = argument("")
    log_retention: Mapping[str, float] = argument({})
    traces: str = argument("off")
    rollout: str = argument(ROLLING)
    observability: Observability = argument(Observability.BASIC)
    alert_email: str = argument("")
    objective: ServiceObjective = argument({})
    thresholds: Mapping[str, AlarmThresholds] = argument({})
    runbooks_url: str = argument("")
    deletion_protection: bool = argument(default=True)
    enable_apis: bool = argument(default=True)

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults; the caller has checked the types, and nothing else is checked here."""
        service = InferenceServiceSpec.read(name, args)
        return read_into(cls, args, service=service, jobs=_jobs(JobsSpec.read(args, service)))

    @property
    def name(self) -> str:
        return self.service.name


def _jobs(read: JobsSpec) -> JobsSpec:
    """Return the jobs with Cloud Run's defaults: as many workers as always run, each of the least size."""
    return replace(
        read,
        max_workers=read.max_workers if "max_workers" in read.given else max(read.min_workers, 1),
        worker_cpu=read.worker_cpu if "worker_cpu" in read.given else max(read.worker_cpu, WORKER_CPU),
        worker_memory_gib=read.worker_memory_gib
        if "worker_memory_gib" in read.given
        else max(read.worker_memory_gib, WORKER_MIB / MIB_OF_A_GIB),
    )


def _environment_for(service: InferenceServiceSpec) -> ExecutionEnvironment:
    small = service.cpu < 1 or service.memory_mib < GEN2_MIB
    return ExecutionEnvironment.GEN1 if small else ExecutionEnvironment.GEN2


def _egress_for(spec: Any) -> VpcEgress | None:
    return VpcEgress.PRIVATE_RANGES_ONLY if spec.vpc_network or spec.vpc_subnetwork else None
