"""Stacks that are added, removed, or to Pulumi others than before: of another project, in another file."""

from collections.abc import Iterator

from slipway.infra.diff.model import StackDiff
from slipway.infra.diff.risk import Level, Risk, counted


def another_project(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None or diff.after is None or not diff.has_another_project:
        return
    old, new = diff.before.project, diff.after.project
    yield Risk(
        Level.HIGH,
        f"makes everything anew: to Pulumi the project {new} is another than {old}",
        f"Nothing is replaced: what {old} made stays and costs until `pulumi destroy --stack {diff.stack}` "
        "with the old Pulumi.yaml.",
    )


def stack_gone(diff: StackDiff) -> Iterator[Risk]:
    if diff.after is not None:
        return
    number = counted(sum(each.resource.custom for each in diff.resources))
    destroy = f"`pulumi destroy --stack {diff.stack}`"
    if diff.namesake:
        yield Risk(
            Level.HIGH,
            f"removes the stack {diff.stack}, of {number}: its file is now that of {diff.namesake}",
            f"To Pulumi another name is another stack: {diff.namesake} is made next to {diff.stack}, whose "
            f"resources stay and cost until {destroy} with its old file. Or keep the name of the file.",
        )
        return
    yield Risk(
        Level.HIGH,
        f"removes the stack {diff.stack}, of {number}",
        f"Its file goes, and with it the way to plan it; nothing is destroyed by that. Run {destroy} before "
        "this is merged, or they stay and cost.",
    )


def stack_new(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is not None:
        return
    number = counted(sum(each.resource.custom for each in diff.resources))
    if diff.namesake:
        yield Risk(
            Level.MEDIUM,
            f"makes the stack {diff.stack}, of {number}, next to {diff.namesake}, whose file it has",
            f"To Pulumi another name is another stack: nothing moves, and what {diff.namesake} made stays "
            f"and costs until `pulumi destroy --stack {diff.namesake}` with its old file.",
        )
        return
    yield Risk(Level.LOW, f"adds the stack {diff.stack}, of {number}")
