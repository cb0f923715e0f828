"""The Google resources of a service on GKE, apart from the cluster: an identity, its rights, an address."""

# Else the annotations import all of `gcp.compute`, a second or more, for those who need no address.
from __future__ import annotations

import re
from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from ..google.identity import bucket_reader, bucket_user, service_account
from ..google.log_buckets import LogSource, log_buckets
from ..google.monitoring.jobs import job_metrics
from ..google.monitoring.resources import API as MONITORING_API
from ..google.monitoring.resources import Place, watch_service
from ..google.traces import API as TRACE_API
from ..google.traces import trace_writer
from ..log_retention import days_by_kind
from ..observability.args import Observability
from ..traces import CLOUD
from . import network
from .cloud_monitoring import counts_jobs, job_lines, log_lines, watched_of
from .later import applied
from .spec import KubernetesSpec


def identity_of(
    spec: KubernetesSpec, parent: pulumi.Resource, cluster: pulumi.Resource | None
) -> list[pulumi.Resource]:
    """Create the pods' own service account and its grants; nothing elsewhere than on GKE.

    Nothing for an existing ServiceAccount either: whom it acts as is up to its owner.

    cluster: exists once the cluster does. A workload identity pool comes with its project's first cluster.
    """
    if not spec.on_gke or spec.service_account:
        return []
    options = pulumi.ResourceOptions(
        parent=parent, delete_before_replace=True, protect=spec.deletion_protection
    )
    account = service_account(spec.name, spec.google_project, options)
    user = gcp.serviceaccount.IAMMember(
        f"{spec.name}-pods",
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=applied(
            lambda pool: f"serviceAccount:{pool}[{spec.namespace}/{spec.name}]", spec.workload_pool
        ),
        # The member names the namespace. A grant that is made again is the one that is there, and goes with
        # it: the old one goes first, as the objects do.
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[cluster] if cluster else [], delete_before_replace=True
        ),
    )
    made: list[pulumi.Resource] = [account, user]
    if bucket := spec.service.address.google_bucket:
        made.append(bucket_reader(spec.name, bucket, account, parent))
    for bucket in spec.jobs.buckets("gs://") if spec.jobs.jobs else ():
        made.append(bucket_user(spec.name, bucket, account, parent))
    if spec.traces == CLOUD:
        options = _trace_options(spec, parent)
        made.append(trace_writer(spec.name, spec.google_project, account.member, options))
    return made


def _trace_options(spec: KubernetesSpec, parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Enable the API of traces, which no cluster needs, and return what the grant is made with."""
    api = _enabled(spec, TRACE_API, parent)
    return pulumi.ResourceOptions(parent=parent, depends_on=[api], delete_before_replace=True)


def _enabled(spec: KubernetesSpec, api: str, parent: pulumi.Resource) -> gcp.projects.Service:
    return gcp.projects.Service(
        f"{spec.name}-{api.removesuffix('.googleapis.com')}-api",
        service=api,
        project=spec.google_project,
        disable_on_destroy=False,
        disable_dependent_services=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def keep_logs(spec: KubernetesSpec, parent: pulumi.Resource, cluster: pulumi.Resource | None) -> None:
    """Keep each kind of line for its own time in Cloud Logging; nothing elsewhere than on GKE."""
    if not spec.on_gke:
        return
    region = applied(lambda location: re.sub(r"-[a-z]$", "", location), spec.google_region)
    log_buckets(
        LogSource(spec.name, spec.google_project, region, log_lines(spec)),
        days_by_kind(spec.log_retention),
        pulumi.ResourceOptions(parent=parent, depends_on=[cluster] if cluster else []),
        spec.deletion_protection,
    )


def monitor(spec: KubernetesSpec, parent: pulumi.Resource) -> None:
    """Create the alarms and the dashboard of Cloud Monitoring; nothing elsewhere than on GKE."""
    if spec.observability is Observability.OFF:
        return
    api = _enabled(spec, MONITORING_API, parent)
    place = Place(
        spec.google_project, spec.alert_email, "", pulumi.ResourceOptions(parent=parent, depends_on=[api])
    )
    if counts_jobs(spec):
        job_metrics(spec.name, spec.google_project, job_lines(spec), place.opts)
    watch_service(watched_of(spec), place)


def address_of(
    spec: KubernetesSpec, parent: pulumi.Resource, cluster: pulumi.Resource | None
) -> list[gcp.compute.GlobalAddress]:
    """Create the address of the Ingress, which lasts as long as the service, so that DNS can name it.

    It keeps the name that it was created with, in another namespace or cluster too. Another project replaces
    it, once the Ingress that uses it has gone with the cluster.
    """
    if not (spec.on_gke and spec.domain):
        return []
    address = gcp.compute.GlobalAddress(
        f"{spec.name}-address",
        name=network.address_name(spec),
        project=spec.google_project,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[cluster] if cluster else [],
            ignore_changes=["name"],
            delete_before_replace=True,
        ),
    )
    return [address]


def domain_records(
    spec: KubernetesSpec, addresses: Sequence[gcp.compute.GlobalAddress]
) -> pulumi.Output[list[str]]:
    numbers = [address.address for address in addresses]
    return pulumi.Output.all(*numbers).apply(lambda found: [f"A {spec.domain} {each}" for each in found])
