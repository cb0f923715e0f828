"""What is lost or stops: resources that are deleted or replaced, and their protection."""

from collections.abc import Iterator

from slipway.infra.diff.compare import PROTECT, RENAMED
from slipway.infra.diff.exposure_rules import is_policy_gone
from slipway.infra.diff.model import Action, Knowledge, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT, Change
from slipway.infra.diff.risk import Level, Risk, components, counted, of_roles
from slipway.infra.diff.workers import is_of_workers
from slipway.infra.resources.aws import DATABASE as RDS_INSTANCE
from slipway.infra.resources.google import SQL_INSTANCE
from slipway.infra.resources.kubernetes import POSTGRES_CLUSTER
from slipway.infra.resources.reading import UNKNOWN
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import accelerators_of, role_of, row_of

# A new one takes over at once, and what runs goes on; the owner of a drawn name is reported.
HARMLESS = frozenset({Role.REVISION, Role.NAME, Role.SECRET_VERSION})
# What a cloud itself checks before it deletes.
_HELD_BY = ("deletionProtection", "enableDeletionProtection")
_PROTECTED_BY = (*_HELD_BY, "deletion_protection")
# Whose types have names that say another thing, or nothing: Instance, Cluster.
_DATABASES = frozenset({SQL_INSTANCE, RDS_INSTANCE, POSTGRES_CLUSTER})
# The roles that other rules speak of in their own words.
_OWN_WORDS = HARMLESS | {
    Role.NODE_POOL,
    Role.NAMESPACE,
    Role.CLUSTER_ACCESS,
    Role.API_KEY,
    Role.IMAGE,
    Role.CLUSTER,
    Role.SERVICE,
}


def clusters(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_roles(diff, {Role.CLUSTER}, Action.REPLACE, Action.DELETE):
        yield Risk(
            Level.HIGH,
            f"{_verb(change)} the cluster {change.name}: everything that runs in it stops",
            _why(change),
            change.urn,
        )


def other_clusters(diff: StackDiff) -> Iterator[Risk]:
    for change in of_roles(diff, {Role.CLUSTER_ACCESS}, Action.REPLACE):
        text = f"moves all objects of {change.name} to another cluster, or another address of it"
        detail = "They are deleted there and created again."
        yield Risk(Level.HIGH, text, f"{detail} {_why(change)}", change.urn)


def namespaces(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_roles(diff, {Role.NAMESPACE}, Action.REPLACE, Action.DELETE):
        text = f"{_verb(change)} the namespace {change.name}: all that is in it is deleted"
        yield Risk(Level.HIGH, text, _why(change), change.urn)


def node_pools(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_roles(diff, {Role.NODE_POOL}, Action.REPLACE, Action.DELETE):
        kind = "GPU node pool" if accelerators_of(change.before or change.resource) else "node pool"
        text = f"{_verb(change)} the {kind} {change.name}: its pods"
        if _is_made_first(change):
            detail = f"{_why(change)} Until the old one goes, the quota must be enough for both."
            yield Risk(Level.MEDIUM, f"{text} move to the new one", detail.strip(), change.urn)
        else:
            yield Risk(Level.HIGH, f"{text} stop", _why(change), change.urn)
    for change in of_roles(diff, {Role.NODE_POOL}, Action.UPDATE):
        paths = ("machineType", "diskType", "diskSizeGb", "imageType")
        changed = [name for name in paths if change.change_of(f"nodeConfig.{name}")]
        if changed:
            text = f"recreates the nodes of {change.name} one by one: their pods move"
            yield Risk(Level.MEDIUM, text, f"Changed: {', '.join(changed)}.", change.urn)


def _is_made_first(change: ResourceChange) -> bool:
    """Return whether the new one is there before the old one goes: under another name, in one cluster."""
    if change.action is not Action.REPLACE or change.resource.delete_before_replace or change.renamed_from:
        return False
    if {"cluster", "location"}.intersection(change.forced_by) or not change.before or not change.after:
        return False
    old, new = change.before.inputs.get("name"), change.after.inputs.get("name")
    return new == UNKNOWN or (new is not None and old != new)


def services(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_roles(diff, {Role.SERVICE}, Action.REPLACE, Action.DELETE):
        if is_of_workers(change.before or change.resource):
            continue
        after = "calls fail until the new one is ready" if change.action is Action.REPLACE else "calls fail"
        text = f"{_verb(change)} the service {change.name}: {after}"
        yield Risk(Level.HIGH, text, f"{_why(change)} {_gone(change)}".strip(), change.urn)


def workers(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in diff.resources:
        gone = change.action in (Action.REPLACE, Action.DELETE)
        if gone and is_of_workers(change.before or change.resource):
            text = f"{_verb(change)} the workers {change.name}: jobs wait for others"
            yield Risk(Level.MEDIUM, text, _why(change), change.urn)


def _gone(change: ResourceChange) -> str:
    if change.action is not Action.REPLACE or RENAMED in change.forced_by:
        return ""
    if not change.resource.delete_before_replace:
        return ""
    return (
        "The old one is deleted first: if the new one does not get ready, there is none until the change is "
        "taken back."
    )


def holders(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in sorted(diff.resources, key=lambda each: role_of(each.type) is Role.SECRET):
        if not _holds(change) or change.action not in (Action.REPLACE, Action.DELETE):
            continue
        what = "what it holds stays" if change.resource.retain_on_delete else "what it holds is lost"
        text = f"{_verb(change)} the {_holder(change)} {change.name}: {what}"
        yield Risk(Level.HIGH, text, _why(change), change.urn)


def _holder(change: ResourceChange) -> str:
    if role_of(change.type) is Role.SECRET:
        return "secret"
    return "database" if change.type in _DATABASES else _kind(change)


def _holds(change: ResourceChange) -> bool:
    """Return whether a deletion loses what cannot be made again."""
    row = row_of(change.type)
    return row is not None and row.holds is True


def protection(diff: StackDiff) -> Iterator[Risk]:
    """Yield one risk for each resource: several properties may protect it, in the engine and the cloud."""
    for change in diff.resources:
        if any(_unprotects(change, each) for each in change.changes):
            yield Risk(Level.HIGH, f"turns off the deletion protection of {change.name}", "", change.urn)


def _unprotects(change: ResourceChange, value: Change) -> bool:
    name = value.plain_path.rpartition(".")[2]
    if name == "deletionPolicy":
        return value.before == "PREVENT"
    off = value.before is True and value.after in (False, ABSENT)
    return off and (name == PROTECT or (change.resource.custom and name in _PROTECTED_BY))


def held_by_the_cloud(diff: StackDiff) -> Iterator[Risk]:
    """Yield what the cloud still protects when the engine would already delete it in the same `up`."""
    if diff.after is None:
        return
    for change in diff.resources:
        held = change.before is not None and any(change.before.inputs.get(name) is True for name in _HELD_BY)
        if held and change.action in (Action.REPLACE, Action.DELETE):
            yield Risk(
                Level.HIGH,
                f"cannot delete {change.name}: its deletion protection is on in the cloud",
                "Two steps: `deletionProtection: false` and `up`, then this change; one `up` for both fails.",
                change.urn,
            )


def renames(diff: StackDiff) -> Iterator[Risk]:
    """Yield one risk for each component, because its children are named after it."""
    lost = [each for each in diff.resources if RENAMED in each.forced_by and each.before and each.after]
    for parent in sorted({each.resource.parent or "" for each in lost}):
        children = [each for each in lost if each.resource.parent == parent]
        old = sorted({(each.renamed_from.rpartition("::")[2]) for each in children})
        yield Risk(
            Level.HIGH,
            f"replaces {counted(len(children))} of {parent.rpartition('::')[2]} for new names or places, "
            "without an alias",
            f"Before: {', '.join(old[:3])}{', …' if len(old) > 3 else ''}. {_way_out(children)}",
            parent,
        )


def _way_out(children: list[ResourceChange]) -> str:
    """Say how to avoid it: an alias keeps the resource, unless its name in the cloud changes too."""
    kept = [each for each in children if each.forced_by == (RENAMED,)]
    option = "`aliases=[pulumi.Alias(name=...)]` with the old name"
    if not kept:
        return "Their names in the cloud change too, so an alias would not keep them."
    if len(kept) == len(children):
        return f"With the option {option} nothing is replaced."
    return f"The option {option} keeps {len(kept)} of them; of the others the names in the cloud change too."


def other_losses(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in diff.resources:
        row = row_of(change.type)
        reported = _holds(change) or (row is not None and row.role in _OWN_WORDS)
        reported = reported or is_of_workers(change.before or change.resource)
        if reported or not change.resource.custom or change.renamed_from or is_policy_gone(change):
            continue
        if change.action in (Action.REPLACE, Action.DELETE):
            text = f"{_verb(change)} {change.name} ({_kind(change)})"
            unknown = row is None or row.holds is None
            loss = "Whether something is lost with it is not known here." if unknown else ""
            yield Risk(Level.MEDIUM, text, f"{_why(change)} {loss}".strip(), change.urn)


def unknown_types(diff: StackDiff) -> Iterator[Risk]:
    for change in diff.resources:
        if change.knowledge is Knowledge.UNKNOWN and change.action is Action.UPDATE:
            yield Risk(
                Level.MEDIUM,
                f"changes {change.name}, of the unknown type {change.type}",
                "Whether that replaces it is not known here; `pulumi preview` shows it.",
                change.urn,
            )


def component_gone(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None or diff.before is None:
        return
    kept = {each.resource.parent for each in diff.resources if each.renamed_from}
    for change in components(diff):
        if change.action is Action.DELETE and not kept:
            yield Risk(Level.HIGH, f"removes {change.name} and all that is in it", "", change.urn)


def _verb(change: ResourceChange) -> str:
    return "replaces" if change.action is Action.REPLACE else "deletes"


def _why(change: ResourceChange) -> str:
    return f"Forced by {', '.join(change.forced_by)}." if change.forced_by else ""


def _kind(change: ResourceChange) -> str:
    return change.type.rpartition(":")[2]
