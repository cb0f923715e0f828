"""What is lost or stops: stacks, resources that are deleted or replaced, and their protection."""

from collections.abc import Iterator

from slipway.infra.diff.compare import PROTECT, RENAMED
from slipway.infra.diff.model import Action, Knowledge, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT
from slipway.infra.diff.risk import (
    CLUSTER_PROVIDER,
    CLUSTERS,
    IMAGE,
    KEYS,
    NAMESPACE,
    NODE_POOL,
    SECRET_TYPES,
    SECRET_VERSIONS,
    SERVICES,
    Level,
    Risk,
    components,
    has_gpu,
    of_types,
)

# What holds something that cannot be made again.
_HOLDS = (
    "gcp:artifactregistry/repository:Repository",
    "aws:ecr/repository:Repository",
    "gcp:storage/bucket:Bucket",
    "aws:s3/bucket:Bucket",
    "aws:cloudwatch/logGroup:LogGroup",
    "kubernetes:core/v1:PersistentVolumeClaim",
)
# A new one stands in for the old at once, and what runs goes on.
_HARMLESS = (
    "aws:ecs/taskDefinition:TaskDefinition",
    "random:index/randomId:RandomId",  # the end of a name; its owner is reported
    *SECRET_VERSIONS,
)
_OWN_WORDS = (
    NODE_POOL,
    NAMESPACE,
    CLUSTER_PROVIDER,
    KEYS,
    IMAGE,
    *CLUSTERS,
    *SERVICES,
    *SECRET_TYPES,
    *_HOLDS,
    *_HARMLESS,
)


def stack_gone(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        number = _counted(sum(each.resource.custom for each in diff.resources))
        yield Risk(
            Level.HIGH,
            f"removes the stack {diff.stack}, of {number}",
            f"Its file goes, and with it the way to plan it; nothing is destroyed by that. Run "
            f"`pulumi destroy --stack {diff.stack}` before this is merged, or they stay and cost.",
        )


def stack_new(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None:
        number = _counted(sum(each.resource.custom for each in diff.resources))
        yield Risk(Level.LOW, f"adds the stack {diff.stack}, of {number}")


def clusters(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_types(diff, CLUSTERS, Action.REPLACE, Action.DELETE):
        yield Risk(
            Level.HIGH,
            f"{_verb(change)} the cluster {change.name}: everything that runs in it stops",
            _why(change),
            change.urn,
        )


def other_clusters(diff: StackDiff) -> Iterator[Risk]:
    for change in of_types(diff, (CLUSTER_PROVIDER,), Action.REPLACE):
        text = f"moves all objects of {change.name} to another cluster, or another address of it"
        detail = "They are deleted where they are, and made anew."
        yield Risk(Level.HIGH, text, f"{detail} {_why(change)}", change.urn)


def namespaces(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_types(diff, (NAMESPACE,), Action.REPLACE, Action.DELETE):
        text = f"{_verb(change)} the namespace {change.name}: all that is in it is deleted"
        yield Risk(Level.HIGH, text, _why(change), change.urn)


def node_pools(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_types(diff, (NODE_POOL,), Action.REPLACE, Action.DELETE):
        kind = "GPU node pool" if has_gpu((change.before or change.resource).inputs) else "node pool"
        yield Risk(
            Level.HIGH, f"{_verb(change)} the {kind} {change.name}: its pods stop", _why(change), change.urn
        )
    for change in of_types(diff, (NODE_POOL,), Action.UPDATE):
        paths = ("machineType", "diskType", "diskSizeGb", "imageType")
        changed = [name for name in paths if change.change_of(f"nodeConfig.{name}")]
        if changed:
            text = f"makes the nodes of {change.name} anew, one after the other: each one's pods move"
            yield Risk(Level.MEDIUM, text, f"Changed: {', '.join(changed)}.", change.urn)


def services(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_types(diff, SERVICES, Action.REPLACE, Action.DELETE):
        after = "calls fail until the new one is ready" if change.action is Action.REPLACE else "calls fail"
        text = f"{_verb(change)} the service {change.name}: {after}"
        yield Risk(Level.HIGH, text, f"{_why(change)} {_gone(change)}".strip(), change.urn)


def _gone(change: ResourceChange) -> str:
    if change.action is not Action.REPLACE or not change.resource.delete_before_replace:
        return ""
    return (
        "The old one is deleted first: if the new one does not get ready, there is none until the change is "
        "taken back."
    )


def holders(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in of_types(diff, (*_HOLDS, *SECRET_TYPES), Action.REPLACE, Action.DELETE):
        kind = "secret" if change.type in SECRET_TYPES else _kind(change)
        what = "what it holds stays" if change.resource.retain_on_delete else "what it holds is lost"
        text = f"{_verb(change)} the {kind} {change.name}: {what}"
        yield Risk(Level.HIGH, text, _why(change), change.urn)


def protection(diff: StackDiff) -> Iterator[Risk]:
    for change in diff.resources:
        for each in change.changes:
            name = each.plain_path.rpartition(".")[2]
            off = each.before is True and each.after in (False, ABSENT)
            if (
                name in ("deletionProtection", "deletion_protection", PROTECT, "enableDeletionProtection")
                and off
            ):
                if change.resource.custom or name == PROTECT:
                    yield Risk(
                        Level.HIGH, f"turns the deletion protection of {change.name} off", "", change.urn
                    )
            elif name == "deletionPolicy" and each.before == "PREVENT":
                yield Risk(Level.HIGH, f"turns the deletion protection of {change.name} off", "", change.urn)


def renames(diff: StackDiff) -> Iterator[Risk]:
    """Once for a component: its children are named for it."""
    lost = [each for each in diff.resources if RENAMED in each.forced_by and each.before and each.after]
    for parent in sorted({each.resource.parent or "" for each in lost}):
        children = [each for each in lost if each.resource.parent == parent]
        old = sorted({(each.renamed_from.rpartition("::")[2]) for each in children})
        yield Risk(
            Level.HIGH,
            f"replaces {_counted(len(children))} of {parent.rpartition('::')[2]} for new names or places, "
            "without an alias",
            f"Before: {', '.join(old[:3])}{', …' if len(old) > 3 else ''}. {_way_out(children)}",
            parent,
        )


def _way_out(children: list[ResourceChange]) -> str:
    """An alias keeps the resource; a name in the cloud that changes as well replaces it all the same."""
    kept = [each for each in children if each.forced_by == (RENAMED,)]
    option = "`aliases=[pulumi.Alias(name=...)]` with the old name"
    if not kept:
        return "Their names in the cloud change too, so an alias would not keep them."
    if len(kept) == len(children):
        return f"With the option {option} nothing is replaced."
    return f"The option {option} keeps {len(kept)} of them; of the others the names in the cloud change too."


def _counted(number: int) -> str:
    return f"{number} {'resource' if number == 1 else 'resources'}"


def other_losses(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is None:
        return
    for change in diff.resources:
        if change.type in _OWN_WORDS or not change.resource.custom or change.renamed_from:
            continue
        if change.action in (Action.REPLACE, Action.DELETE):
            text = f"{_verb(change)} {change.name} ({_kind(change)})"
            yield Risk(Level.MEDIUM, text, _why(change), change.urn)


def unknown_types(diff: StackDiff) -> Iterator[Risk]:
    for change in diff.resources:
        if change.knowledge is Knowledge.UNKNOWN and change.action is Action.UPDATE:
            yield Risk(
                Level.MEDIUM,
                f"changes {change.name}, of the unknown type {change.type}",
                "Whether that replaces it is not known here; `pulumi preview` tells.",
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
