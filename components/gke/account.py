"""The service account of the nodes. Pods have their own, by Workload Identity, and no right of the nodes'."""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from ..google.artifact_registry import READER
from . import names
from .spec import GkeClusterSpec

# docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa, and for
# image streaming DOCS/how-to/image-streaming: the API calls are counted on the project.
NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/serviceusage.serviceUsageConsumer")


@dataclass(frozen=True, slots=True)
class NodeAccount:
    """The nodes' account. grants: what a node needs before it starts."""

    email: pulumi.Input[str]
    grants: tuple[pulumi.Resource, ...] = ()


def node_account_of(
    spec: GkeClusterSpec, after: list[pulumi.Resource], parent: pulumi.Resource
) -> NodeAccount:
    if spec.node_service_account is not None:
        return NodeAccount(spec.node_service_account)
    account = gcp.serviceaccount.Account(
        f"{spec.name}-nodes",
        account_id=names.account_id(spec.name),
        display_name=f"Nodes of the cluster {spec.cluster_name}",
        project=spec.project,
        opts=pulumi.ResourceOptions.merge(
            _options(after, parent), pulumi.ResourceOptions(protect=spec.deletion_protection)
        ),
    )
    grants: list[pulumi.Resource] = [
        _project_grant(spec, role, account, after, parent) for role in NODE_ROLES
    ]
    grants += _image_grants(spec, account, after, parent)
    return NodeAccount(account.email, tuple(grants))


def _options(after: list[pulumi.Resource], parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Return the options of the account and its grants, which a move to another project replaces.

    The name comes back when the move is undone, and Google has one of each grant: the old one goes first.
    """
    return pulumi.ResourceOptions(parent=parent, depends_on=after, delete_before_replace=True)


def _project_grant(
    spec: GkeClusterSpec,
    role: str,
    account: gcp.serviceaccount.Account,
    after: list[pulumi.Resource],
    parent: pulumi.Resource,
) -> pulumi.Resource:
    """Grant the nodes a role on the project.

    The grant is named for the role: a renamed grant would be deleted after its copy is made.
    """
    return gcp.projects.IAMMember(
        f"{spec.name}-nodes-{role.rpartition('.')[2]}",
        project=spec.project,
        role=role,
        member=account.member,
        opts=_options(after, parent),
    )


def _image_grants(
    spec: GkeClusterSpec,
    account: gcp.serviceaccount.Account,
    after: list[pulumi.Resource],
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Let the nodes pull the image, unless it is outside Google or in another project, whose owner grants it.

    A repository that is given explicitly is granted wherever it is: whoever names it has the right to.
    """
    repository = spec.repository
    if not (spec.image_ref or repository):
        return [_project_grant(spec, READER, account, after, parent)]
    if repository is None or (spec.image_ref and repository.project != spec.project):
        return []
    return [
        gcp.artifactregistry.RepositoryIamMember(
            f"{spec.name}-nodes-{repository.project}-{repository.location}-{repository.name}-reader",
            project=repository.project,
            location=repository.location,
            repository=repository.name,
            role=READER,
            member=account.member,
            opts=_options(after, parent),
        )
    ]
