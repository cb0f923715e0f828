"""What of Google's a service on GKE has beside the cluster: an identity, its rights, an address."""

# Else the annotations import all of `gcp.compute`, a second or more, for those who need no address.
from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from . import model, names, network
from .spec import KubernetesSpec


def identity_of(
    spec: KubernetesSpec, parent: pulumi.Resource, cluster: pulumi.Resource | None
) -> list[pulumi.Resource]:
    """The pods' own service account, what it may read, and that they may act as it. Empty elsewhere.

    cluster: what is there when the cluster is. A workload identity pool comes with its project's first one.
    """
    if not spec.on_gke:
        return []
    options = pulumi.ResourceOptions(parent=parent)
    account = gcp.serviceaccount.Account(
        f"{spec.name}-account",
        account_id=names.account_id(spec.name),
        display_name=f"Inference service {spec.name}",
        project=spec.google_project,
        opts=options,
    )
    user = gcp.serviceaccount.IAMMember(
        f"{spec.name}-pods",
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=f"serviceAccount:{spec.workload_pool}[{spec.namespace}/{spec.name}]",
        # The member names the namespace. A grant that is made again is the one that is there, and goes with
        # it: the old one goes first, as the objects do.
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[cluster] if cluster else [], delete_before_replace=True
        ),
    )
    made: list[pulumi.Resource] = [account, user]
    if bucket := model.bucket_of(spec):
        made.append(
            gcp.storage.BucketIAMMember(
                f"{spec.name}-{bucket}-reader",
                bucket=bucket,
                role=model.READER,
                member=account.member,
                opts=options,
            )
        )
    return made


def address_of(spec: KubernetesSpec, parent: pulumi.Resource) -> list[gcp.compute.GlobalAddress]:
    """The Ingress's: it stays the same for as long as the service lives, so that the DNS can name it.

    It keeps the name that it was made with, in another namespace or cluster too.
    """
    if not (spec.on_gke and spec.domain):
        return []
    address = gcp.compute.GlobalAddress(
        f"{spec.name}-address",
        name=network.address_name(spec),
        project=spec.google_project,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["name"]),
    )
    return [address]


def domain_records(
    spec: KubernetesSpec, addresses: Sequence[gcp.compute.GlobalAddress]
) -> pulumi.Output[list[str]]:
    numbers = [address.address for address in addresses]
    return pulumi.Output.all(*numbers).apply(lambda found: [f"A {spec.domain} {each}" for each in found])
