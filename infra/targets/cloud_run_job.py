"""The Cloud Run job of a batch as the API takes it, made of the live service. Pure.

RUNPB: google-cloud-run 0.16.2, run_v2/types/job.py, task_template.py. Times in seconds.
"""

from collections.abc import Mapping
from typing import Any

from slipway.components.cloud_run.limits import WORKER_CPU, WORKER_MIB
from slipway.components.cloud_run.names import workers
from slipway.components.google.accounts import account_email, account_id
from slipway.components.sizes import MIB_OF_A_GIB, quantity
from slipway.infra.resources.reading import cores, memory_gib
from slipway.infra.targets.batch_run import BatchOrder
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_place import CloudRunPlace

# RUNPB TaskTemplate.max_retries: an instance that is taken away is started again, and goes on.
_RETRIES = 3
# cloud.google.com/run/docs/configuring/task-timeout: at most a week, and an hour with a GPU.
_TIMEOUT_SECONDS, _GPU_TIMEOUT_SECONDS = 168 * 3600, 3600
# Of the service's environment, what is for requests and jobs, and no part of a batch.
_LEFT_OUT = ("ROLE", "HOST", "PORT", "REQUEST_TIMEOUT_SECONDS", "MODEL_API_KEY", "MODEL_API_KEYS")
_LEFT_OUT_PREFIXES = ("JOBS_", "BATCH_", "METRICS")
_DATABASE_MOUNT = "/cloudsql"


def job_body(place: CloudRunPlace, order: BatchOrder, service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job as the API takes it. service: the live one, as the API returns it."""
    revision = at(service, "template")
    gpu = at(revision, "nodeSelector").get("accelerator")
    task: dict[str, Any] = {
        "containers": [_container(order, at(revision, "containers", 0))],
        "maxRetries": _RETRIES,
        "timeout": f"{_GPU_TIMEOUT_SECONDS if gpu else _TIMEOUT_SECONDS}s",
        "serviceAccount": _account(place, revision),
        "executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2",
    }
    mounted = {mount["name"] for mount in task["containers"][0].get("volumeMounts", [])}
    volumes = [each for each in revision.get("volumes", []) if each["name"] in mounted]
    if volumes:
        task["volumes"] = volumes
    if access := at(revision, "vpcAccess"):
        task["vpcAccess"] = access
    if gpu:
        task["nodeSelector"] = {"accelerator": gpu}
        task["gpuZonalRedundancyDisabled"] = bool(revision.get("gpuZonalRedundancyDisabled"))
    labels = {"slipway": "batch"}
    return {"labels": labels, "template": {"taskCount": order.shards, "labels": labels, "template": task}}


def _account(place: CloudRunPlace, revision: Mapping[str, Any]) -> str:
    """Return the workers' account, which may use the files of jobs, or else the service's."""
    if place.jobs:
        return account_email(account_id(workers(place.service)), place.project)
    return str(revision.get("serviceAccount", ""))


def _container(order: BatchOrder, server: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container: the server's, without what is for requests, and large enough for a task."""
    limits = dict(at(server, "resources", "limits"))
    cpu, gib = cores(limits.get("cpu", "1")) or WORKER_CPU, memory_gib(limits.get("memory", "512Mi")) or 0
    limits["cpu"] = f"{max(cpu, WORKER_CPU):g}"
    limits["memory"] = quantity(int(max(gib * MIB_OF_A_GIB, WORKER_MIB)))
    kept = [
        each
        for each in server.get("env", [])
        if each["name"] not in (*_LEFT_OUT, *order.environment)
        and not each["name"].startswith(_LEFT_OUT_PREFIXES)
    ]
    own = [{"name": name, "value": value} for name, value in order.environment.items()]
    container: dict[str, Any] = {
        "image": server["image"],
        "env": sorted([*kept, *own], key=lambda each: str(each["name"])),
        "resources": {"limits": limits},
    }
    mounts = [each for each in server.get("volumeMounts", []) if each["mountPath"] != _DATABASE_MOUNT]
    return {**container, "volumeMounts": mounts} if mounts else container
