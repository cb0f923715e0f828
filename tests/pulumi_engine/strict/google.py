"""A project of Google Cloud: its rules, and the outputs of what is made in it."""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.contract.cloud import made_of
from tests.contract.gke_outputs import GKE_ANSWERS
from tests.pulumi_engine.strict.account import EXISTING, Account, Inputs, Thing, kind_of
from tests.pulumi_engine.strict.cloud_run import CLOUD_RUN_RULES, revisions_follow
from tests.pulumi_engine.strict.gke_rules import GKE_RULES, cluster_of, nodes_run
from tests.pulumi_engine.strict.google_rules import GOOGLE_RULES, starts
from tests.pulumi_engine.strict.job_rules import JOB_RULES
from tests.pulumi_engine.strict.monitoring_rules import MONITORING_RULES

# Which Cloud Monitoring numbers, a new number for each.
_NUMBERED = (
    "monitoring.AlertPolicy",
    "monitoring.NotificationChannel",
    "monitoring.UptimeCheckConfig",
    "monitoring.Dashboard",
)
PROJECT, REGION = "acme-prod", "europe-west4"
# cloud.google.com/secret-manager/docs/delete-secret: with all of its versions; kubernetes-engine/docs/how-to/
# deleting-a-cluster: with all of its pools.
_PARTS = {
    "secretmanager.Secret": ("secretmanager.SecretVersion", "secret"),
    "container.Cluster": ("container.NodePool", "clusterId"),
}


def google_account() -> Account:
    rules = {**GOOGLE_RULES, **GKE_RULES, **MONITORING_RULES, **JOB_RULES}
    service = "cloudrunv2.Service"
    rules[service] = (*CLOUD_RUN_RULES, *GOOGLE_RULES[service])
    return Account(
        rules,
        _made,
        (revisions_follow, starts, nodes_run),
        _PARTS,
        stays=outlives_its_stack,
        answer=_answer,
    )


def outlives_its_stack(thing: Thing) -> bool:
    """Return whether a resource outlives its stack: `deletion_policy`, `disable_on_destroy`."""
    return thing.inputs.get("deletionPolicy") == "ABANDON" or thing.inputs.get("disableOnDestroy") is False


def _made(account: Account, type_: str, inputs: Inputs) -> Mapping[str, Any]:
    """As the table of the contract tests has it; versions of a secret are counted, what is drawn is new."""
    made = dict(made_of(type_, inputs))
    kind = kind_of(type_)
    if kind == "secretmanager.SecretVersion":
        before = account.of_kind("secretmanager.SecretVersion")
        number = 1 + sum(each.inputs["secret"] == inputs["secret"] for each in before)
        made |= {"version": str(number), "id": f"{inputs['secret']}/versions/{number}"}
    elif kind in _NUMBERED:
        made["id"] = made["name"] = f"{str(made['id']).rpartition('/')[0]}/{10**6 + account.made}"
        if "uptimeCheckId" in made:
            made["uptimeCheckId"] = str(10**6 + account.made)
    elif kind == "index.RandomId":
        made["id"] = made["hex"] = secrets.token_hex(int(inputs["byteLength"]))
    elif kind == "index.RandomPassword":
        made["id"] = secrets.token_hex(4)
    elif kind == "container.NodePool":
        made["clusterId"] = made["id"].partition("/nodePools/")[0]
    elif kind == "cloudrunv2.ServiceIamMember":
        # registry.terraform.io, google_cloud_run_v2_service_iam: the id has project and location.
        made["id"] = f"projects/{inputs['project']}/locations/{inputs['location']}/services/{made['id']}"
    elif kind in ("projects.IAMMember", "storage.BucketIAMMember") and inputs.get("condition"):
        # cloud.google.com/iam/docs/conditions-overview: a binding for each condition.
        made["id"] = f"{made['id']}/{inputs['condition']['expression']}"
    elif kind == "secretmanager.SecretIamMember":
        made["id"] = f"projects/{inputs['project']}/secrets/{made['id']}"
    return made


def _answer(account: Account, token: str, arguments: Inputs) -> Inputs | None:
    """Answer the lookup of a cluster that is there."""
    there = cluster_of(account, {**arguments, "cluster": arguments["name"]})
    return GKE_ANSWERS[token](arguments) if there else None


class Existing:
    """A cluster and an account for nodes, which a platform team made."""

    cluster = "shared"
    account_id = "nodes"
    email = f"{account_id}@{PROJECT}.iam.gserviceaccount.com"

    @classmethod
    def into(cls, account: Account) -> None:
        account.create(
            "gcp:serviceaccount/account:Account",
            f"{EXISTING}account",
            {"accountId": cls.account_id, "project": PROJECT},
        )
        place = {"project": PROJECT, "location": REGION}
        account.create("gcp:container/cluster:Cluster", f"{EXISTING}cluster", {"name": cls.cluster, **place})
        account.calls.clear()
