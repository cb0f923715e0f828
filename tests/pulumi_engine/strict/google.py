"""A project of Google Cloud for Cloud Run's component: its rules, and the outputs of what is made in it."""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.contract.cloud import made_of
from tests.pulumi_engine.strict.account import Account, Inputs, Thing, kind_of
from tests.pulumi_engine.strict.google_rules import GOOGLE_RULES, starts

PROJECT, REGION = "acme-prod", "europe-west4"
# cloud.google.com/secret-manager/docs/delete-secret: with all of its versions.
_PARTS = {"secretmanager.Secret": ("secretmanager.SecretVersion", "secret")}


def google_account() -> Account:
    return Account(GOOGLE_RULES, _made, (starts,), _PARTS, stays=outlives_its_stack)


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
    elif kind.startswith("index.Random"):
        made["id"] = secrets.token_hex(4)
    elif kind == "cloudrunv2.ServiceIamMember":
        # registry.terraform.io, google_cloud_run_v2_service_iam: the id has project and location.
        made["id"] = f"projects/{inputs['project']}/locations/{inputs['location']}/services/{made['id']}"
    elif kind == "secretmanager.SecretIamMember":
        made["id"] = f"projects/{inputs['project']}/secrets/{made['id']}"
    return made
