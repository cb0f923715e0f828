"""A GKE Standard cluster for inference: a small CPU pool, then a GPU pool; or a pool in an existing cluster.

Owns the cluster, its pools, the nodes' service account and that account's grants, and enables the APIs it
needs. Does not own the project, the network, images or what runs on the cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_gcp as gcp

from ..fault import in_words
from ..google.accounts import workload_pool
from ..google.apis import enabled
from ..google.gke_login import context_name, kubeconfig
from ..inputs import ApplyError, recorded
from . import names
from .account import NodeAccount, node_account_of
from .args import GkeClusterArgs
from .cluster import cluster_of
from .pools import cpu_pool, gpu_pool
from .rules import checked_spec, spec_warnings
from .spec import GkeClusterSpec

APIS = ("compute.googleapis.com", "container.googleapis.com", "iam.googleapis.com")
# DOCS/how-to/image-streaming: without it the nodes' pulls are ordinary ones.
STREAMING_API = "containerfilesystem.googleapis.com"


class GkeCluster(pulumi.ComponentResource):
    """Nodes for an inference service on GKE."""

    cluster_name: pulumi.Output[str]
    """The cluster's name."""
    kubeconfig: pulumi.Output[str]
    """How it is reached, for kubectl and Pulumi; authentication by `gke-gcloud-auth-plugin`, no secret."""
    workload_pool: pulumi.Output[str]
    """Workload Identity pool of its service accounts."""
    node_service_account: pulumi.Output[str]
    """Email of the nodes' account; empty where every pool is an existing one."""
    console_url: pulumi.Output[str]
    """Its page in Google Cloud's console."""
    node_pool: pulumi.Output[str]
    """Pool that a service's pods belong on: the GPU pool, or without a GPU the CPU pool; empty where an
    existing cluster has to choose."""

    def __init__(
        self,
        name: str,
        args: GkeClusterArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        checked: GkeClusterSpec | None = None,
    ) -> None:
        """Create the cluster and everything it owns.

        checked: the spec that rules.checked_spec made of these arguments; only what differs from it is
        checked again.
        """
        spec = checked_spec(name, args, checked)
        super().__init__("slipway:index:GkeCluster", name, recorded(args), opts)
        for warning in spec_warnings(spec):
            pulumi.log.warn(in_words(warning), self)
        apis = _apis(spec, _waits(opts), self)
        account = NodeAccount("")
        if spec.own_cluster or spec.own_gpu_pool:
            account = node_account_of(spec, apis, self)
        cluster = (
            _own_cluster(spec, account, apis, self) if spec.own_cluster else _existing_cluster(spec, self)
        )
        pools = [*cluster.pools]
        if spec.own_gpu_pool:
            pools.append(gpu_pool(spec, cluster.name, account, cluster.pools, self))
        self.node_pool = pulumi.Output.from_input(pools[-1].name if pools else spec.node_pool)
        context = context_name(spec.project, spec.location, spec.cluster_name)
        self.cluster_name = pulumi.Output.from_input(cluster.name)
        ready = pulumi.Output.all(*(pool.name for pool in pools))  # who uses it waits for the nodes
        self.kubeconfig = pulumi.Output.all(cluster.endpoint, cluster.ca_certificate, ready).apply(
            lambda known: kubeconfig(context, known[0], known[1])
        )
        self.workload_pool = pulumi.Output.from_input(workload_pool(spec.project))
        self.node_service_account = pulumi.Output.from_input(account.email)
        self.console_url = pulumi.Output.from_input(
            names.console_url(spec.project, spec.location, spec.cluster_name)
        )
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "kubeconfig": self.kubeconfig,
                "workload_pool": self.workload_pool,
                "node_service_account": self.node_service_account,
                "console_url": self.console_url,
                "node_pool": self.node_pool,
            }
        )


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A cluster that was created or looked up.

    ca_certificate: Base64. pools: what a GPU pool must wait for.
    """

    name: pulumi.Input[str]
    endpoint: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    pools: list[gcp.container.NodePool]


def _waits(opts: pulumi.ResourceOptions | None) -> list[pulumi.Resource]:
    """Return the resources in the caller's `depends_on`.

    Pulumi makes the component wait for them, but not its children.
    """
    named: Any = opts.depends_on if opts is not None else None
    listed = cast("list[Any]", named) if isinstance(named, list) else [named]
    return [one for one in listed if isinstance(one, pulumi.Resource)]


def _apis(
    spec: GkeClusterSpec, after: list[pulumi.Resource], parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Enable the APIs and return what everything else must wait for."""
    if not spec.enable_apis:
        return after
    apis = (*APIS, STREAMING_API) if spec.makes_nodes else APIS
    return [*after, *enabled(spec.name, spec.project, apis, parent, after)]


def _own_cluster(
    spec: GkeClusterSpec, account: NodeAccount, apis: list[pulumi.Resource], parent: pulumi.Resource
) -> _Cluster:
    cluster = cluster_of(spec, account, apis, parent)
    pool = cpu_pool(spec, cluster.name, account, parent)
    certificate = cluster.master_auth.apply(lambda auth: auth.cluster_ca_certificate or "")
    return _Cluster(cluster.name, cluster.endpoint, certificate, [pool])


def _existing_cluster(spec: GkeClusterSpec, parent: pulumi.Resource) -> _Cluster:
    found = gcp.container.get_cluster_output(
        name=spec.cluster,
        location=spec.location,
        project=spec.project,
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )

    def certificate_of(auths: Sequence[gcp.container.outputs.GetClusterMasterAuthResult]) -> str:
        if not auths:
            raise ApplyError(
                f"{spec.name}: the cluster {spec.cluster} at {spec.location} has no certificate; it must be "
                "running."
            )
        return auths[0].cluster_ca_certificate

    return _Cluster(spec.cluster, found.endpoint, found.master_auths.apply(certificate_of), [])
