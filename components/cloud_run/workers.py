"""The workers of a service on Cloud Run: a worker pool that runs the same image, and takes no request.

Owns the pool, its service account and what that may do with files of jobs. A pool has a fixed number of
instances, with their CPU all the time. DOCS: docs.cloud.google.com/run/docs. RUNPB: google-cloud-run 0.16.2.
"""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_gcp as gcp

from ..google.identity import BUCKET_USER, prefix_grant, service_account
from ..google.secrets import EnvironmentSecret
from ..jobs.rules import GOOGLE
from . import model, names
from .job_store import JobConnection
from .limits import DEFAULT_PORT
from .probes import liveness_probe, startup_probe
from .spec import CloudRunSpec
from .template import Process, environment_of, limits_of, process_volumes, vpc_access_of

_TIMEOUTS = pulumi.CustomTimeouts(create="20m", update="20m", delete="10m")
# RUNPB InstanceSplitAllocationType: every instance runs the newest revision that gets ready.
_LATEST = "INSTANCE_SPLIT_ALLOCATION_TYPE_LATEST"


def workers_account(spec: CloudRunSpec, opts: pulumi.ResourceOptions) -> gcp.serviceaccount.Account:
    return service_account(names.workers(spec.name), spec.project, opts)


def file_grants(
    spec: CloudRunSpec, account: gcp.serviceaccount.Account, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Let the workers read and write files of jobs, and nothing else in these buckets; the server needs none.

    Results of jobs are written there and deleted when their time is over.
    """
    found = (prefix.removeprefix(GOOGLE) for prefix in spec.jobs.prefixes if prefix.startswith(GOOGLE))
    base = names.workers(spec.name)
    return [
        prefix_grant(f"{base}-{place.rstrip('/')}-files", place, BUCKET_USER, account.member, parent)
        for place in dict.fromkeys(found)
    ]


def worker_pool(
    spec: CloudRunSpec,
    parent: pulumi.Resource,
    after: list[pulumi.Resource],
    account: gcp.serviceaccount.Account,
    image_ref: pulumi.Input[str],
    secrets: Mapping[str, EnvironmentSecret],
    store: JobConnection,
) -> gcp.cloudrunv2.WorkerPool:
    """Create the pool. after: its grants, and the service, so that no revision that fails there runs jobs."""
    name = names.workers(spec.name)
    return gcp.cloudrunv2.WorkerPool(
        name,
        name=name,
        project=spec.project,
        location=spec.region,
        labels=spec.service.labels or None,
        # It keeps nothing: what it had under way is in the database.
        deletion_protection=False,
        scaling={"manual_instance_count": int(spec.jobs.min_workers)},
        instance_splits=[{"type": _LATEST, "percent": 100}],
        template=_template(spec, account.email, image_ref, secrets, store),
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=after, custom_timeouts=_TIMEOUTS, delete_before_replace=True
        ),
    )


def _template(
    spec: CloudRunSpec,
    account_email: pulumi.Input[str],
    image_ref: pulumi.Input[str],
    secrets: Mapping[str, EnvironmentSecret],
    store: JobConnection,
) -> gcp.cloudrunv2.WorkerPoolTemplateArgsDict:
    process = Process.worker(spec, store)
    volumes, mounts = process_volumes(spec, store)
    service = spec.service
    container: dict[str, Any] = {
        "image": image_ref,
        "resources": {"limits": limits_of(spec, process)},
        "envs": environment_of(spec, process, secrets),
        "startup_probe": startup_probe(service.load_seconds, DEFAULT_PORT, model.is_fetched(spec)),
        "liveness_probe": liveness_probe(DEFAULT_PORT),
    }
    if mounts:
        container["volume_mounts"] = mounts
    template: dict[str, Any] = {"service_account": account_email, "containers": [container]}
    if service.gpu:
        template["node_selector"] = {"accelerator": service.gpu}
        template["gpu_zonal_redundancy_disabled"] = not spec.gpu_zonal_redundancy
    if volumes:
        template["volumes"] = volumes
    if spec.vpc_egress is not None:
        template["vpc_access"] = vpc_access_of(spec)
    # The pool's parts have the same fields as the service's, and types of their own.
    return cast("gcp.cloudrunv2.WorkerPoolTemplateArgsDict", template)
