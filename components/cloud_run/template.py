"""The revision template of a service: its checked spec in Cloud Run's own terms."""

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from ..google.secrets import EnvironmentSecret
from ..google.traces import google_traces
from ..need import inference_threads
from ..sizes import quantity
from ..spec import device_environment
from ..traces import trace_environment
from . import collector, model
from .limits import REVISION_MAX_INSTANCES, SHUTDOWN_SECONDS
from .probes import liveness_probe, readiness_probe, startup_probe
from .spec import CloudRunSpec

_VOLUME = "model"


def template_of(
    spec: CloudRunSpec,
    image_ref: pulumi.Input[str],
    account_email: pulumi.Input[str],
    secrets: Mapping[str, EnvironmentSecret],
) -> gcp.cloudrunv2.ServiceTemplateArgsDict:
    """Return the revision template.

    secrets: environment name -> the version that it pins; with a collector, its settings too.
    """
    service = spec.service
    template: gcp.cloudrunv2.ServiceTemplateArgsDict = {
        "service_account": account_email,
        "execution_environment": spec.execution_environment.value,
        "timeout": f"{service.request_timeout_seconds:.9f}".rstrip("0").rstrip(".") + "s",
        "max_instance_request_concurrency": service.concurrency,
        "containers": [_container(spec, image_ref, secrets)],
    }
    volumes: list[gcp.cloudrunv2.ServiceTemplateVolumeArgsDict] = []
    if collector.collects(spec):
        template["containers"] = [{**_container(spec, image_ref, secrets), "name": collector.SERVER}]
        template["containers"] = [*template["containers"], collector.container(spec)]
        volumes.append(collector.volume(secrets[collector.SETTINGS]))
    if service.max_replicas > REVISION_MAX_INSTANCES:
        template["scaling"] = {"max_instance_count": service.max_replicas}
    if service.gpu:
        template["node_selector"] = {"accelerator": service.gpu}
        template["gpu_zonal_redundancy_disabled"] = not spec.gpu_zonal_redundancy
    if spec.model_volume:
        volumes.append(_model_volume(spec))
    if volumes:
        template["volumes"] = volumes
    if spec.vpc_egress is not None:
        template["vpc_access"] = _vpc_access(spec)
    return template


def _container(
    spec: CloudRunSpec, image_ref: pulumi.Input[str], secrets: Mapping[str, EnvironmentSecret]
) -> gcp.cloudrunv2.ServiceTemplateContainerArgsDict:
    service = spec.service
    container: gcp.cloudrunv2.ServiceTemplateContainerArgsDict = {
        "image": image_ref,
        "ports": {"container_port": service.port},
        "resources": {
            "limits": _limits(spec),
            "cpu_idle": not spec.cpu_always,
            "startup_cpu_boost": spec.startup_cpu_boost,
        },
        "envs": _environment(spec, secrets),
        "startup_probe": startup_probe(service.load_seconds, service.port, model.is_fetched(spec)),
        "liveness_probe": liveness_probe(service.port),
        "readiness_probe": readiness_probe(service.port),
    }
    if spec.model_volume:
        container["volume_mounts"] = [{"name": _VOLUME, "mount_path": model.MOUNT_PATH}]
    return container


def _limits(spec: CloudRunSpec) -> dict[str, str]:
    cpu = spec.service.cpu
    limits = {
        "cpu": str(int(cpu)) if cpu == int(cpu) else f"{round(cpu * 1000)}m",
        "memory": quantity(int(spec.service.memory_mib)),
    }
    return {**limits, "nvidia.com/gpu": str(spec.service.gpu_count)} if spec.service.gpu else limits


def _environment(
    spec: CloudRunSpec, secrets: Mapping[str, EnvironmentSecret]
) -> list[gcp.cloudrunv2.ServiceTemplateContainerEnvArgsDict]:
    """Return the container's environment, sorted by name so that only real changes show in a diff.

    Cloud Run sets PORT itself.
    """
    service = spec.service
    cloud = google_traces(spec.project, service.env.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    plain = {
        "LOG_LEVEL_FIELD": "severity",
        "INFERENCE_THREADS": str(inference_threads(service.cpu)),
        **service.env,
        **trace_environment(spec.name, spec.traces, cloud),
        **model.environment_of(spec),
        **service.model_environment,
        "HOST": "0.0.0.0",  # noqa: S104 Cloud Run calls the container from outside it
        "REQUEST_TIMEOUT_SECONDS": f"{service.request_timeout_seconds:g}",
        "DRAIN_SECONDS": str(SHUTDOWN_SECONDS - 2),
        **device_environment(service.gpu),
        **collector.server_environment(spec),
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


def _vpc_access(spec: CloudRunSpec) -> gcp.cloudrunv2.ServiceTemplateVpcAccessArgsDict:
    assert spec.vpc_egress is not None  # the caller's condition
    interface: gcp.cloudrunv2.ServiceTemplateVpcAccessNetworkInterfaceArgsDict = {}
    if spec.vpc_network:
        interface["network"] = spec.vpc_network
    if spec.vpc_subnetwork:
        interface["subnetwork"] = spec.vpc_subnetwork
    return {"egress": spec.vpc_egress.value, "network_interfaces": [interface]}
