"""The task definition of a service: its checked spec in ECS's own terms."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from ..aws.traces import ENVIRONMENT
from ..need import inference_threads
from ..traces import trace_environment
from . import collector, limits, model, names
from .process import Process
from .spec import FargateSpec

CONTAINER = "server"
# service/Dockerfile: USER
_USER = 10001
_VOLUME = "model"
_ROLLOUT_LABEL = "slipway.rollout"
_ROLLOUT_DIGITS = 12
_METRICS_DAYS = 1
# service/Dockerfile has the same question as its HEALTHCHECK, of /ready: here the load balancer asks that,
# and a busy or loading task, or a worker, is not to be replaced while it is alive.
_HEALTH_CHECK = (
    "import http.client, os, sys; "
    "c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); "
    "c.request('GET', '/alive'); sys.exit(c.getresponse().status != 200)"
)


def task_definition(
    spec: FargateSpec,
    image_ref: pulumi.Input[str],
    secrets: Mapping[str, pulumi.Input[str]],
    log_group: pulumi.Input[str],
    roles: tuple[pulumi.Input[str], pulumi.Input[str]],
    process: Process,
    rollout: pulumi.Input[str],
    parent: pulumi.Resource,
) -> aws.ecs.TaskDefinition:
    """Create the task definition; replaced ones stay, so that ECS can restore the service from them.

    secrets: environment name -> ECS's `valueFrom`. roles: ARNs of the execution and the task role. rollout:
    what tells it apart from that of another rollout.
    """
    execution_role, task_role = roles
    logs = _log_configuration(spec, log_group)
    server = _server(spec, process, image_ref, secrets, logs)
    containers = [{**server, "dockerLabels": {_ROLLOUT_LABEL: rollout}}]
    if spec.is_fetched:
        containers.append(_volume_owner(image_ref, logs))
    containers += collector.collector(spec, logs)
    return aws.ecs.TaskDefinition(
        f"{spec.name}-task",
        family=spec.name,
        region=spec.region,
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(int(spec.service.cpu * 1024)),
        memory=str(int(spec.service.memory_mib)),
        runtime_platform={
            "operating_system_family": "LINUX",
            "cpu_architecture": spec.architecture.value,
        },
        ephemeral_storage=_storage(spec),
        execution_role_arn=execution_role,
        task_role_arn=task_role,
        container_definitions=pulumi.Output.json_dumps(containers),
        volumes=[{"name": _VOLUME}] if spec.is_fetched else None,
        skip_destroy=True,
        tags=spec.service.labels or None,
        # `slipway` writes tags of its own on a release, which an update would delete.
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["tags"]),
    )


def rollout_id(wanted: Mapping[str, Any], scales: bool) -> pulumi.Output[str]:
    """Return a hash of what a service is to have next to its task definition.

    In the task definition it gives each rollout one of its own. Without that, a service that ECS restored
    after another change, such as of its subnets, would seem to run what was requested. wanted: inputs of the
    service. scales: whether the autoscaler sets the number of tasks.
    """
    counted = {key: value for key, value in wanted.items() if not (scales and key == "desired_count")}
    return pulumi.Output.json_dumps(counted, sort_keys=True).apply(
        lambda text: hashlib.sha256(text.encode()).hexdigest()[:_ROLLOUT_DIGITS]
    )


def _storage(spec: FargateSpec) -> aws.ecs.TaskDefinitionEphemeralStorageArgsDict | None:
    """Return the ephemeral storage to request; None for the included size, which AWS refuses as a request."""
    gib = int(spec.ephemeral_storage_gib)
    return {"size_in_gib": gib} if gib in limits.STORAGE_GIB else None


def _server(
    spec: FargateSpec,
    process: Process,
    image_ref: pulumi.Input[str],
    secrets: Mapping[str, pulumi.Input[str]],
    logs: Mapping[str, Any],
) -> dict[str, Any]:
    port = spec.service.port
    server: dict[str, Any] = {
        "name": CONTAINER,
        "image": image_ref,
        "essential": True,
        "user": f"{_USER}:{_USER}",
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "portMappings": [{"containerPort": port, "hostPort": port, "protocol": "tcp"}],
        "environment": _environment(spec, process),
        "secrets": [{"name": name, "valueFrom": secrets[name]} for name in sorted(secrets)],
        "stopTimeout": process.stop_seconds,
        "healthCheck": {
            "command": ["CMD", "python", "-IS", "-c", _HEALTH_CHECK],
            "interval": 30,
            "timeout": 5,
            "retries": 3,
            "startPeriod": spec.start_period_seconds,
        },
        "logConfiguration": logs,
    }
    if beside := collector.collector_mib(spec):  # the server plans with the memory that it sees
        server["memory"] = int(spec.service.memory_mib) - beside
    if spec.is_fetched:
        server["mountPoints"] = [_mount()]
        server["dependsOn"] = [{"containerName": _VOLUME, "condition": "SUCCESS"}]
    return server


def _volume_owner(image_ref: pulumi.Input[str], logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container that makes the server's user own the volume, and ends; at first root owns it.

    docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
    """
    return {
        "name": _VOLUME,
        "image": image_ref,
        "essential": False,
        "user": "0",
        "readonlyRootFilesystem": True,
        "entryPoint": ["python", "-IS", "-c"],
        "command": [f"import os; os.chown({model.CACHE_PATH!r}, {_USER}, {_USER})"],
        "mountPoints": [_mount()],
        "logConfiguration": logs,
    }


def _mount() -> dict[str, Any]:
    return {"sourceVolume": _VOLUME, "containerPath": model.CACHE_PATH, "readOnly": False}


def _environment(spec: FargateSpec, process: Process) -> list[dict[str, pulumi.Input[str]]]:
    """Return the container's environment, sorted by name so that only real changes show in a diff."""
    service = spec.service
    plain: dict[str, pulumi.Input[str]] = {
        "INFERENCE_THREADS": str(inference_threads(service.cpu)),
        "AWS_REGION": spec.region,
        **service.env,
        **trace_environment(spec.name, spec.traces, ENVIRONMENT),
        **collector.server_environment(spec),
        **model.environment_of(spec),
        **service.model_environment,
        "HOST": "0.0.0.0",  # noqa: S104 the load balancer calls the container from outside it
        "PORT": str(service.port),
        "REQUEST_TIMEOUT_SECONDS": f"{service.request_timeout_seconds:g}",
        "DRAIN_SECONDS": str(process.drain_seconds),
        "LISTEN_ON_SECONDS": str(process.listen_on_seconds),
        **process.environment,
    }
    return [{"name": name, "value": plain[name]} for name in sorted(plain)]


def _log_configuration(spec: FargateSpec, log_group: pulumi.Input[str]) -> dict[str, Any]:
    """Return a log configuration that never blocks the server.

    Lines that CloudWatch does not take in time are lost.
    """
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": log_group,
            "awslogs-region": spec.region,
            "awslogs-stream-prefix": spec.name,
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    }


def log_group(
    spec: FargateSpec, after: Sequence[pulumi.Resource], parent: pulumi.Resource
) -> aws.cloudwatch.LogGroup:
    """Create the log group, whose name is free for a move back only once the first one is deleted.

    after: the cluster. It is replaced first and takes the tasks along, which could not start without the log.
    """
    return aws.cloudwatch.LogGroup(
        f"{spec.name}-log",
        name=names.log_group_name(spec.name),
        region=spec.region,
        retention_in_days=int(spec.log_retention_days),
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(after),
            delete_before_replace=True,
            protect=spec.deletion_protection,
        ),
    )


def metrics_group(spec: FargateSpec, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup | None:
    """Create the log group whose lines become metrics; None where the server's metrics stay with it.

    CloudWatch keeps the metrics, so the lines can go after a day.
    """
    if not collector.sends_metrics(spec):
        return None
    return aws.cloudwatch.LogGroup(
        f"{spec.name}-metrics-log",
        name=names.metrics_group_name(spec.name),
        region=spec.region,
        retention_in_days=_METRICS_DAYS,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
