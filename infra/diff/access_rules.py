"""Who may call, read and act: what is opened, keys and secrets, roles."""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.components.environment import looks_secret
from slipway.infra.diff.exposure_rules import MAIL_DOMAINS
from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT
from slipway.infra.diff.risk import Level, Risk, components, of_roles, said
from slipway.infra.resources.credentials import holds_credential
from slipway.infra.resources.openness import EVERYBODY
from slipway.infra.resources.reading import UNKNOWN, Resource, at, items_at
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import role_of, ways_in, ways_near

_CLOUD_RUN = "slipway:index:CloudRunService"
# Of these no one calls a private service who is not named; in a cluster every pod may.
_CALLERS = frozenset({_CLOUD_RUN, "slipway:index:FargateService"})
# The passwords of databases of jobs, which no caller has.
_DATABASE_PASSWORDS = ("-jobs-password", "-database-password")
_CERTIFICATES = ("certificate_arn", "tls_secret")
_NEW = (Action.CREATE, Action.UPDATE, Action.REPLACE)


def opened(diff: StackDiff) -> Iterator[Risk]:
    """Yield one risk for a stack, with everything that opens it."""
    ways = list(dict.fromkeys(_ways(diff)))
    if ways and diff.before is not None and not diff.has_another_project:
        detail = f"Because of {', '.join(ways)}. Callers then only need the API key."
        yield Risk(Level.HIGH, "opens the service to the internet", detail)
    elif ways:
        yield Risk(
            Level.MEDIUM, "makes a service that is open to the internet", f"Because of {', '.join(ways)}."
        )


def closed(diff: StackDiff) -> Iterator[Risk]:
    """Yield a service that only named callers may call from now on, or no one at all."""
    for change in components(diff):
        if change.before is None or change.after is None:
            continue
        before, after = (_callers(side.inputs) for side in (change.before, change.after))
        if before and not after and change.type in _CALLERS:
            key = "`invokers`" if change.type == _CLOUD_RUN else "`allowedCidrs`"
            text = "closes the service to everyone who calls it now"
            yield Risk(Level.HIGH, text, f"It is no longer public and {key} names no one.", change.urn)
        elif before == ["everyone"] and after != before:
            yield Risk(
                Level.MEDIUM, "closes the service to the internet: callers need a grant", "", change.urn
            )


def _callers(inputs: Mapping[str, Any]) -> list[str]:
    """Return who may call a service from outside, by its arguments."""
    if inputs.get("public") is True:
        return ["everyone"]
    return [str(each) for name in ("invokers", "allowed_cidrs") for each in items_at(inputs, name)]


def domain(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        found = change.change_of("domain")
        if found and change.after and found.before not in (ABSENT, None, ""):
            then = "goes" if found.after in (ABSENT, None, "") else f"gives way to {found.after}"
            text = f"the domain {found.before} {then}: callers of that name fail"
            yield Risk(Level.MEDIUM, text, "", change.urn)


def unencrypted(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        for name in _CERTIFICATES:
            found = change.change_of(name)
            if found and found.before not in (ABSENT, None, "") and found.after in (ABSENT, None, ""):
                text = "turns HTTPS off: keys and requests travel unencrypted"
                yield Risk(Level.HIGH, text, "", change.urn)


def rotated_key(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None or diff.after is None:
        return
    text = "rotates the API key: callers that have the old one are refused"
    if any(change.path == "apiKey" for change in diff.settings):
        yield Risk(Level.HIGH, text, "The value of `apiKey` in the stack file changes.")
        return
    for change in of_roles(diff, {Role.API_KEY}, Action.REPLACE, Action.DELETE):
        if change.name.endswith(_DATABASE_PASSWORDS):
            continue
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
            yield Risk(Level.MEDIUM, f"removes the secret {name} from the service")
        else:
            yield Risk(Level.MEDIUM, f"changes the secret {name}: the service restarts with it")
    named = any(each.path.startswith("secrets.") or each.path == "apiKey" for each in diff.settings)
    for change in of_roles(diff, {Role.SECRET_VERSION}, Action.CREATE, Action.DELETE):
        if not named and not change.renamed_from:
            verb = "adds" if change.action is Action.CREATE else "deletes"
            yield Risk(Level.MEDIUM, f"{verb} the secret value {change.name}", "", change.urn)


def plain_secrets(diff: StackDiff) -> Iterator[Risk]:
    """Yield the names that look like secrets and come into the plain environment."""
    for change in components(diff):
        plain = items_at(change.after.inputs, "plain_env") if change.after else []
        for each in change.changes:
            name = each.path.removeprefix("env.")
            if each.path == name or each.after is ABSENT or name in plain:
                continue
            if looks_secret(name, each.after if isinstance(each.after, str) else None):
                text = f"puts {name} into the plain environment"
                yield Risk(
                    Level.HIGH, text, "Everyone who reads the stack reads it; use `secrets`.", change.urn
                )


def exempted(diff: StackDiff) -> Iterator[Risk]:
    """Yield the names that are said to hold no secret from now on, so that no rule looks at them."""
    for change in components(diff):
        if change.before is None or change.after is None:
            continue
        before = items_at(change.before.inputs, "plain_env")
        for name in items_at(change.after.inputs, "plain_env"):
            if name not in before:
                holds = holds_credential(str(at(change.after.inputs, "env", str(name))))
                text = f"says that {name} in the plain environment is no secret"
                detail = "Its value has the form of a credential." if holds else "Look at its value."
                yield Risk(Level.HIGH if holds else Level.MEDIUM, text, detail, change.urn)


def roles(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None:
        return
    for change in diff.resources:
        if change.action not in _NEW or change.after is None or change.renamed_from:
            continue
        inputs = change.after.inputs
        if role_of(change.type) is Role.GRANT and _granted(inputs) and not _is_for_everybody(inputs):
            text = f"gives {said(_granted(inputs))} to {_member(change.after)}"
            yield Risk(Level.MEDIUM, text, _on(change), change.urn)
        elif role_of(change.type) is Role.ROLE_POLICY and any(
            each.after is not ABSENT for each in change.changes
        ):
            role = inputs.get("role")
            of_role = (
                f"of the role {role}" if role not in (None, "", UNKNOWN) else f"that {change.name} grants"
            )
            yield Risk(Level.MEDIUM, f"changes the permissions {of_role}", _on(change), change.urn)


def _is_for_everybody(inputs: Mapping[str, Any]) -> bool:
    """Return whether a grant opens: that is reported once for the stack, or in words of its own."""
    opening = {*EVERYBODY, *(f"domain:{domain}" for domain in MAIL_DOMAINS)}
    return any(member in opening for member in [inputs.get("member"), *items_at(inputs, "members")])


def _granted(inputs: Mapping[str, Any]) -> Any:
    """Return the role that a grant gives, of Google or of Kubernetes."""
    return inputs.get("role") or at(inputs, "roleRef", "name")


def _member(resource: Resource) -> str:
    """Name the member; one that is not known yet by what it is made of."""
    makers = [urn.rpartition("::")[2] for urn in resource.uses.get("member", ())]
    subjects = [at(each, "name") for each in items_at(resource.inputs, "subjects")]
    member = resource.inputs.get("member") or resource.inputs.get("members") or subjects
    return ", ".join(makers) if member == UNKNOWN and makers else said(member)


def _on(change: ResourceChange) -> str:
    return f"By {change.name}."


def _ways(diff: StackDiff) -> Iterator[str]:
    for change in components(diff):
        if change.after and change.after.inputs.get("public") is True and not _was(change, "public", True):
            yield "`public`"
    for change in diff.resources:
        if change.action in _NEW and change.after is not None:
            yield from _new_ways(change)


def _new_ways(change: ResourceChange) -> Iterator[str]:
    """Yield what lets everybody in now and did not before, and what brings a resource to the internet."""
    assert change.after is not None
    before = set(ways_in(change.before)) if change.before else set[str]()
    yield from (way for way in ways_in(change.after) if way not in before)
    if change.before is not None:
        near = set(ways_near(change.before))
        yield from (way for way in ways_near(change.after) if way not in near)


def _was(change: ResourceChange, name: str, value: object) -> bool:
    return change.before is not None and change.before.inputs.get(name) == value
