"""Who may call, read and act: what is opened, keys and secrets, roles."""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT, values_with_paths
from slipway.infra.diff.risk import KEYS, SECRET_VERSIONS, Level, Risk, at, components, of_types, said
from slipway.infra.plan.monitor import UNKNOWN, Resource

_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_INVOKER_TYPES = ("gcp:cloudrunv2/serviceIamMember:ServiceIamMember",)
_MEMBER = ("IamMember", "IAMMember")
_INGRESS_RULES = ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",)
_ROLE_POLICIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
_NEW = (Action.CREATE, Action.UPDATE, Action.REPLACE)


def opened(diff: StackDiff) -> Iterator[Risk]:
    """Once for a stack, with everything that opens it."""
    ways = list(dict.fromkeys(_ways(diff)))
    if ways and diff.before is not None:
        detail = f"By {', '.join(ways)}. Callers then need the API key alone."
        yield Risk(Level.HIGH, "opens the service to the internet", detail)
    elif ways:
        yield Risk(Level.MEDIUM, "makes a service that is open to the internet", f"By {', '.join(ways)}.")


def closed(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        found = change.change_of("public")
        if found and found.before is True and found.after is not True:
            yield Risk(
                Level.MEDIUM, "closes the service to the internet: callers need a grant", "", change.urn
            )


def unencrypted(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        found = change.change_of("certificate_arn")
        if found and found.before not in (ABSENT, None, "") and found.after in (ABSENT, None, ""):
            yield Risk(Level.HIGH, "turns HTTPS off: keys and texts travel in the clear", "", change.urn)


def rotated_key(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None or diff.after is None:
        return
    text = "rotates the API key: callers that have the old one are refused"
    if any(change.path == "apiKey" for change in diff.settings):
        yield Risk(Level.HIGH, text, "The value of `apiKey` in the stack file is another one.")
        return
    for change in of_types(diff, (KEYS,), Action.REPLACE, Action.DELETE):
        why = f"Forced by {', '.join(change.forced_by)}." if change.forced_by else ""
        yield Risk(Level.HIGH, text, why, change.urn)


def secrets(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None or diff.after is None:
        return
    for each in diff.settings:
        if not each.path.startswith("secrets."):
            continue
        name = each.path.removeprefix("secrets.")
        if each.before is ABSENT:
            yield Risk(Level.MEDIUM, f"adds the secret {name}", "The service gets to read it.")
        elif each.after is ABSENT:
            yield Risk(Level.MEDIUM, f"takes the secret {name} away from the service")
        else:
            yield Risk(Level.MEDIUM, f"changes the secret {name}: the service starts anew with it")
    named = any(each.path.startswith("secrets.") or each.path == "apiKey" for each in diff.settings)
    for change in of_types(diff, SECRET_VERSIONS, Action.CREATE, Action.DELETE):
        if not named and not change.renamed_from:
            verb = "adds" if change.action is Action.CREATE else "deletes"
            yield Risk(Level.MEDIUM, f"{verb} the secret value {change.name}", "", change.urn)


def plain_secrets(diff: StackDiff) -> Iterator[Risk]:
    """A name that sounds of a secret, in the plain environment."""
    for change in components(diff):
        for each in change.changes:
            name = each.path.removeprefix("env.")
            sounds = any(word in name.upper() for word in ("SECRET", "PASSWORD", "TOKEN", "API_KEY"))
            if each.path.startswith("env.") and sounds and each.after is not ABSENT:
                text = f"puts {name} into the plain environment"
                yield Risk(
                    Level.HIGH, text, "Everyone who reads the stack reads it; use `secrets`.", change.urn
                )


def roles(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None:
        return
    for change in diff.resources:
        if change.action not in _NEW or change.after is None or change.renamed_from:
            continue
        inputs = change.after.inputs
        if change.type.endswith(_MEMBER) and inputs.get("member") not in _EVERYBODY:
            text = f"gives {said(inputs.get('role'))} to {_member(change.after)}"
            yield Risk(Level.MEDIUM, text, _on(change), change.urn)
        elif change.type in _ROLE_POLICIES and any(each.after is not ABSENT for each in change.changes):
            yield Risk(
                Level.MEDIUM, f"changes what {said(inputs.get('role'))} may do", _on(change), change.urn
            )


def _member(resource: Resource) -> str:
    """One that is not known yet is named by what it is made of."""
    makers = [urn.rpartition("::")[2] for urn in resource.uses.get("member", ())]
    member = resource.inputs.get("member")
    return ", ".join(makers) if member == UNKNOWN and makers else said(member)


def _on(change: ResourceChange) -> str:
    return f"By {change.name}."


def _ways(diff: StackDiff) -> Iterator[str]:
    for change in components(diff):
        if change.after and change.after.inputs.get("public") is True and not _was(change, "public", True):
            yield "`public`"
    for change in diff.resources:
        if change.action in _NEW and change.after is not None:
            yield from _way(change, change.after.inputs)


def _way(change: ResourceChange, inputs: Mapping[str, Any]) -> Iterator[str]:
    if change.type in _INVOKER_TYPES and inputs.get("member") in _EVERYBODY:
        if not _was(change, "member", inputs.get("member")):
            yield f"a grant to {inputs['member']}"
    elif change.type in _INGRESS_RULES:
        for name in ("cidrIpv4", "cidrIpv6"):
            if inputs.get(name) in _EVERYWHERE and not _was(change, name, inputs[name]):
                yield f"a security group rule for {inputs[name]}"
    elif change.type == "aws:lb/loadBalancer:LoadBalancer":
        if _was(change, "internal", True) and inputs.get("internal") is not True:
            yield "public addresses of the load balancer"
    elif change.type == "gcp:cloudrunv2/service:Service":
        was = change.before.inputs.get("ingress") if change.before else None
        if was not in (None, "INGRESS_TRAFFIC_ALL") and inputs.get("ingress") == "INGRESS_TRAFFIC_ALL":
            yield "ingress from everywhere"
    elif _newly_balanced(change, inputs) and not _limited(inputs):
        yield "a load balancer without `loadBalancerSourceRanges`"


def _newly_balanced(change: ResourceChange, inputs: Mapping[str, Any]) -> bool:
    if change.type != "kubernetes:core/v1:Service":
        return False
    was = at(change.before.inputs, "spec", "type") if change.before else None
    return at(inputs, "spec", "type") == "LoadBalancer" and was != "LoadBalancer"


def _limited(inputs: Mapping[str, Any]) -> bool:
    internal = any(
        "internal" in str(value).lower() for path, value in values_with_paths(inputs) if "annotations" in path
    )
    return bool(at(inputs, "spec", "loadBalancerSourceRanges")) or internal


def _was(change: ResourceChange, name: str, value: object) -> bool:
    return change.before is not None and change.before.inputs.get(name) == value
