"""What GKE refuses, and whether the nodes of a cluster run with an account and the role that they need.

DOCS: cloud.google.com. PROVIDER: terraform-provider-google, google/services/container/.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.pulumi_engine.strict.account import Account, Request, Rule, Thing, Verb, values_at
from tests.pulumi_engine.strict.google_rules import is_there, member_exists, name_once

_NODE_ROLE = "roles/container.defaultNodeServiceAccount"


def cluster_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS kubernetes-engine/docs/reference/rest/v1, projects.locations.clusters.nodePools/create."""
    if request.verb is not Verb.DELETE and cluster_of(account, request.inputs) is None:
        yield f"googleapi: Error 404: Not found: {_path(request.inputs)}., notFound"


def cluster_unprotected(_account: Account, request: Request) -> Iterator[str]:
    """Refuse a protected cluster, from the state alone: PROVIDER resource_container_cluster.go, Delete."""
    if request.verb is Verb.DELETE and request.inputs.get("deletionProtection"):
        yield "Cannot destroy cluster because deletion_protection is set to true."


def node_account_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS kubernetes-engine/docs/troubleshooting/service-accounts: a node pool's account must be there."""
    if request.verb is Verb.CREATE:
        for email in values_at(request.inputs.get("nodeConfig"), "serviceAccount"):
            if not is_there(account, f"serviceAccount:{email}"):
                yield f'googleapi: Error 400: Service account "{email}" does not exist., badRequest'


def nodes_run(account: Account) -> Iterator[str]:
    """Check the invariant that every node's account exists and has its role, unless it is one's own."""
    for pool in account.of_kind("container.NodePool"):
        email = pool.inputs["nodeConfig"]["serviceAccount"]
        if not is_there(account, f"serviceAccount:{email}"):
            yield f"{pool.name}: {email} does not exist"
        elif _of_a_program(account, email) and not _has_its_role(account, pool, email):
            yield f"{pool.name}: {email} lacks {_NODE_ROLE}"


def cluster_of(account: Account, inputs: Mapping[str, Any]) -> Thing | None:
    """Return the cluster that a pool's inputs name."""
    wanted = {"name": inputs["cluster"], "location": inputs["location"], "project": inputs["project"]}
    clusters = account.of_kind("container.Cluster")
    return next((each for each in clusters if wanted.items() <= each.inputs.items()), None)


def _path(inputs: Mapping[str, Any]) -> str:
    return f"projects/{inputs['project']}/locations/{inputs['location']}/clusters/{inputs['cluster']}"


def _of_a_program(account: Account, email: str) -> bool:
    accounts = account.of_kind("serviceaccount.Account")
    return any(each.outputs["email"] == email and each.name.endswith("-nodes") for each in accounts)


def _has_its_role(account: Account, pool: Thing, email: str) -> bool:
    wanted = {"project": pool.inputs["project"], "role": _NODE_ROLE, "member": f"serviceAccount:{email}"}
    return any(wanted.items() <= each.inputs.items() for each in account.of_kind("projects.IAMMember"))


GKE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "container.Cluster": (name_once, cluster_unprotected, node_account_exists),
    "container.NodePool": (name_once, cluster_exists, node_account_exists),
    "projects.IAMMember": (member_exists,),
    "projects.Service": (),
    "artifactregistry.RepositoryIamMember": (member_exists,),
}
