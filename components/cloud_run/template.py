"""The revision template of a service: its checked spec in Cloud Run's own terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_gcp as gcp

from ..google.cloud_sql import SOCKETS
from ..google.secrets import EnvironmentSecret
from ..google.traces import google_traces
from ..need import inference_threads
from ..sizes import MIB_OF_A_GIB, quantity
from ..spec import device_environment
from ..traces import trace_environment
from . import collector, model
from .job_store import JobConnection
from .limits import REVISION_MAX_INSTANCES, SHUTDOWN_SECONDS
from .probes import liveness_probe, readiness_probe, startup_probe
from .spec import CloudRunSpec

_VOLUME = "model"
_DATABASE_VOLUME = "cloudsql"


@dataclass(frozen=True, slots=True)
class Process:
    """What one kind of a service's processes has. memory in MiB. environment: variables of its own."""

    cpu: float
    memory_mib: float
    environment: Mapping[str, pulumi.Input[str]]

    @classmethod
    def server(cls, spec: CloudRunSpec, store: JobConnection) -> Self:
        environment = {**collector.server_environment(spec), **store.environment}
        return cls(spec.service.cpu, spec.service.memory_mib, environment)

    @classmethod
    def worker(cls, spec: CloudRunSpec, store: JobConnection) -> Self:
        jobs = spec.jobs
        environment = {**store.environment, **jobs.worker_environment}
        return cls(jobs.worker_cpu, jobs.worker_memory_gib * MIB_OF_A_GIB, environment)


def template_of(
    spec: CloudRunSpec,
    image_ref: pulumi.Input[str],
    account_email: pulumi.Input[str],
    secrets: Mapping[str, EnvironmentSecret],
    store: JobConnection,
) -> gcp.cloudrunv2.ServiceTemplateArgsDict:
    """Return the revision template.

    secrets: environment name -> the version that it pins; with a collector, its settings too.
    """
    service = spec.service
    container = _container(spec, image_ref, secrets, store)
    template: gcp.cloudrunv2.ServiceTemplateArgsDict = {
        "service_account": account_email,
        "execution_environment": spec.execution_environment.value,
        "timeout": f"{service.request_timeout_seconds:.9f}".rstrip("0").rstrip(".") + "s",
        "max_instance_request_concurrency": service.concurrency,
        "containers": [container],
    }
    volumes, _ = process_volumes(spec, store)
    if collector.collects(spec):
        template["containers"] = [{**container, "name": collector.SERVER}, collector.container(spec)]
        volumes = [collector.volume(secrets[collector.SETTINGS]), *volumes]
    if service.max_replicas > REVISION_MAX_INSTANCES:
        template["scaling"] = {"max_instance_count": service.max_replicas}
    if service.gpu:
        template["node_selector"] = {"accelerator": service.gpu}
        template["gpu_zonal_redundancy_disabled"] = not spec.gpu_zonal_redundancy
    if volumes:
        template["volumes"] = volumes
    if spec.vpc_egress is not None:
        template["vpc_access"] = vpc_access_of(spec)
    return template


def _container(
    spec: CloudRunSpec,
    image_ref: pulumi.Input[str],
    secrets: Mapping[str, EnvironmentSecret],
    store: JobConnection,
) -> gcp.cloudrunv2.ServiceTemplateContainerArgsDict:
    service, process = spec.service, Process.server(spec, store)
    container: gcp.cloudrunv2.ServiceTemplateContainerArgsDict = {
        "image": image_ref,
        "ports": {"container_port": service.port},
        "resources": {
            "limits": limits_of(spec, process),
            "cpu_idle": not spec.cpu_always,
            "startup_cpu_boost": spec.startup_cpu_boost,
        },
        "envs": environment_of(spec, process, secrets),
        "startup_probe": startup_probe(service.load_seconds, service.port, model.is_fetched(spec)),
        "liveness_probe": liveness_probe(service.port),
        "readiness_probe": readiness_probe(service.port),
    }
    _, mounts = process_volumes(spec, store)
    if mounts:
        container["volume_mounts"] = mounts
    return container


def limits_of(spec: CloudRunSpec, process: Process) -> dict[str, str]:
    cpu = process.cpu
    limits = {
        "cpu": str(int(cpu)) if cpu == int(cpu) else f"{round(cpu * 1000)}m",
        "memory": quantity(int(process.memory_mib)),
    }
    return {**limits, "nvidia.com/gpu": str(spec.service.gpu_count)} if spec.service.gpu else limits


def environment_of(
    spec: CloudRunSpec, process: Process, secrets: Mapping[str, EnvironmentSecret]
) -> list[gcp.cloudrunv2.ServiceTemplateContainerEnvArgsDict]:
    """Return the container's environment, sorted by name so that only real changes show in a diff.

    Cloud Run sets PORT itself.
    """
    service = spec.service
    cloud = google_traces(spec.project, service.env.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    plain: dict[str, pulumi.Input[str]] = {
        "LOG_LEVEL_FIELD": "severity",
        "INFERENCE_THREADS": str(inference_threads(process.cpu)),
        **service.env,
        **trace_environment(spec.name, spec.traces, cloud),
        **model.environment_of(spec),
        **service.model_environment,
        "HOST": "0.0.0.0",  # noqa: S104 Cloud Run calls the container from outside it
        "REQUEST_TIMEOUT_SECONDS": f"{service.request_timeout_seconds:g}",
        "DRAIN_SECONDS": str(SHUTDOWN_SECONDS - 2),
        **device_environment(service.gpu),
        **process.environment,
    }
    environment: dict[str, gcp.cloudrunv2.ServiceTemplateContainerEnvArgsDict] = {
        name: {"name": name, "value": value} for name, value in plain.items()
    }
    for name, kept in secrets.items():
        if name == collector.SETTINGS:
            continue
        environment[name] = {
            "name": name,
            "value_source": {"secret_key_ref": {"secret": kept.secret, "version": kept.version}},
        }
    return [environment[name] for name in sorted(environment)]


def process_volumes(
    spec: CloudRunSpec, store: JobConnection
) -> tuple[
    list[gcp.cloudrunv2.ServiceTemplateVolumeArgsDict],
    list[gcp.cloudrunv2.ServiceTemplateContainerVolumeMountArgsDict],
]:
    """Return what every process of the service mounts, and where: a bucket's model, the job database."""
    volumes: list[gcp.cloudrunv2.ServiceTemplateVolumeArgsDict] = []
    mounts: list[gcp.cloudrunv2.ServiceTemplateContainerVolumeMountArgsDict] = []
    if spec.model_volume:
        volumes.append(_model_volume(spec))
        mounts.append({"name": _VOLUME, "mount_path": model.MOUNT_PATH})
    if store.connection is not None:
        volumes.append({"name": _DATABASE_VOLUME, "cloud_sql_instance": {"instances": [store.connection]}})
        mounts.append({"name": _DATABASE_VOLUME, "mount_path": SOCKETS})
    return volumes, mounts


def _model_volume(spec: CloudRunSpec) -> gcp.cloudrunv2.ServiceTemplateVolumeArgsDict:
    address = spec.service.address
    return {
        "name": _VOLUME,
        "gcs": {
            "bucket": address.bucket,
            "read_only": True,
            "mount_options": [f"only-dir={address.folder}"],
        },
    }


def vpc_access_of(spec: CloudRunSpec) -> gcp.cloudrunv2.ServiceTemplateVpcAccessArgsDict:
    assert spec.vpc_egress is not None  # the caller's condition
    interface: gcp.cloudrunv2.ServiceTemplateVpcAccessNetworkInterfaceArgsDict = {}
    if spec.vpc_network:
        interface["network"] = spec.vpc_network
    if spec.vpc_subnetwork:
        interface["subnetwork"] = spec.vpc_subnetwork
    return {"egress": spec.vpc_egress.value, "network_interfaces": [interface]}
