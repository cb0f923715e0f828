"""What a change of settings does to names: whether one is created while it is still taken.

What is created before its predecessor is deleted needs a name that never returns. After an `up` that failed
half-way both are there; the cloud refuses the third, or deletes what the state believes to be there.
"""

import itertools
from collections.abc import Iterator, Mapping

import pulumi

from slipway.infra.diff.compare import RENAMED, difference_of
from slipway.infra.diff.model import Action, ResourceChange, StackSource
from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import UNKNOWN, Resource, at
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import role_of, row_of
from slipway.stacks.settings.setting import Setting
from tests.stacks.examples import TOGETHER, base_of, example_of, other_of
from tests.stacks.plans import planned

# What its cloud names or numbers by itself; a rule of a listener has a priority only where it is given.
_UNNAMED = (
    "aws:ec2/",
    "aws:vpc/",
    "aws:ecs/taskDefinition:",
    "aws:lb/listener",
    "aws:secretsmanager/secretVersion:",
    "docker-build:",
    "gcp:secretmanager/secretVersion:",
    "gcp:monitoring/alertPolicy:",
    "gcp:monitoring/notificationChannel:",
    "gcp:monitoring/uptimeCheckConfig:",
    "gcp:monitoring/dashboard:",
    "pulumi:providers:",
    "random:",
)
# Enabled twice is enabled once, and it is never disabled.
_SHARED = ("gcp:projects/service:",)
_NAMED_BY = (
    *(
        "name",
        "accountId",
        "repositoryId",
        "secretId",
        "family",
        "clusterName",
        "bucketId",
        "sloId",
        "serviceId",
    ),
    "repository",  # of a grant on one
)


def accepted(values: Mapping[str, str]) -> Plan | None:
    """Return the plan; None where the preview refuses the settings."""
    try:
        return planned(values)
    except pulumi.RunError:
        return None


def values_of(target: str, row: Setting) -> list[dict[str, str]]:
    """Return the settings of a stack with the setting unset, set, and set to another value."""
    example = example_of(target, row)
    assert example is not None
    value, needs = example
    base = {**base_of(target), **needs}
    unset = {key: text for key, text in base.items() if key != row.key or row.required}
    together = TOGETHER.get((target, row.key), {})
    others = [{**base, **together, row.key: each} for each in (value, *other_of(target, row, value)) if each]
    return [unset, base, *others] if row.key in needs else [unset, *others]


def collisions(before: Plan, after: Plan) -> Iterator[str]:
    """List what would be created while something of its name is there, or be deleted in its place."""
    changes = difference_of("prod", StackSource(before), StackSource(after)).resources
    for change in changes:
        if change.resource.custom and change.action is Action.REPLACE and not is_free(change):
            yield f"{change.resource.type} {change.name}, forced by {', '.join(change.forced_by)}"
    made = [each.resource for each in changes if each.action is Action.CREATE]
    gone = [each.resource for each in changes if each.action is Action.DELETE]
    for one, other in itertools.product(made, gone):
        if one.custom and one.type == other.type and one.inputs == other.inputs and not is_unnamed(one):
            yield f"{one.type} {one.name} is {other.name}, which is deleted after it"


def is_free(change: ResourceChange) -> bool:
    """Return whether the name of what is replaced is free when its successor is made."""
    resource = change.resource
    if resource.delete_before_replace or is_unnamed(resource) or is_named_anew(change):
        return True
    return is_drawn(resource)


def is_named_anew(change: ResourceChange) -> bool:
    """Return whether the successor has another name in the cloud as well as in the program."""
    if RENAMED not in change.forced_by or change.before is None or change.after is None:
        return False
    old, new = change.before.inputs, change.after.inputs
    return any(key in old and key in new and old[key] != new[key] for key in _NAMED_BY)


def is_unnamed(resource: Resource) -> bool:
    if resource.type == "aws:lb/listenerRule:ListenerRule" and resource.inputs.get("priority"):
        return False
    return resource.type.startswith((*_UNNAMED, *_SHARED))


def is_drawn(resource: Resource) -> bool:
    """Return whether the name is a new one for each: random, or drawn by the Kubernetes provider."""
    row = row_of(resource.type)
    if row and row.named_by:
        name = str(at(resource.inputs, "metadata", "name"))
        return name == UNKNOWN or name.startswith(f"{resource.name}-")
    names = [name for name in _NAMED_BY if name in resource.inputs]
    assert names or role_of(resource.type) is Role.GRANT, f"{resource.type} is known by none of {_NAMED_BY}"
    return bool(names) and resource.inputs[names[0]] == UNKNOWN and names[0] in resource.ignore_changes


def shapes(one: Plan, other: Plan) -> bool:
    """Return whether a change between the two creates, replaces or deletes anything."""
    found = difference_of("prod", StackSource(one), StackSource(other)).counts()
    return any(found.get(action) for action in (Action.CREATE, Action.REPLACE, Action.DELETE))
