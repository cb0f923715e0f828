"""A preview for a terminal: risks first, then what changes, or the tree of what is made."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from slipway.infra.cost.report import cost_table
from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.paths import Change
from slipway.infra.diff.risk import Level, Risk
from slipway.infra.plan.monitor import Resource
from slipway.infra.plan.run import Plan
from slipway.infra.preview import words
from slipway.infra.preview.stack import StackPreview

_COLOURS = {
    Action.CREATE: "green",
    Action.DELETE: "red",
    Action.REPLACE: "bold red",
    Action.UPDATE: "yellow",
    Action.FOLLOW: "cyan",
    Action.RENAME: "cyan",
    Action.SAME: "dim",
}
_LEVELS = {Level.HIGH: "bold red", Level.MEDIUM: "bold yellow", Level.LOW: "bold cyan"}


def preview_text(preview: StackPreview) -> Iterator[RenderableType]:
    """Everything of one stack. A stack that is unchanged takes one line."""
    if preview.diff is not None:
        yield from _difference(preview, preview.diff)
    elif preview.plan is not None:
        yield from preview_tree(preview.plan, [])
    else:
        yield Text.assemble(("Stack ", "bold"), (preview.stack, "bold cyan"))
        yield from map(_risk, preview.risks)
    for note in preview.notes:
        yield Text(note, style="dim")
    if preview.diff is None or not words.is_unchanged(preview.diff):
        yield from _cost(preview)
        yield from map(_finding, preview.new_findings)
        if known := len(preview.findings) - len(preview.new_findings):
            yield Text(words.as_before(known), style="dim")
    yield Text()


def preview_tree(plan: Plan, findings: list[dict[str, str]]) -> Iterator[RenderableType]:
    """The resources below the stack with their inputs, the outputs, and the findings."""
    root = next(resource for resource in plan.resources if resource.parent is None)
    children: dict[str | None, list[Resource]] = defaultdict(list)
    for resource in plan.resources:
        children[resource.parent].append(resource)
    yield _grown(root, children, Text.assemble(("Stack ", "bold"), (plan.stack, "bold cyan")))
    if plan.outputs:
        outputs = Tree(Text("Outputs", style="bold"), guide_style="dim")
        for name, value in plan.outputs.items():
            outputs.add(_pair(name, words.value(value)))
        yield outputs
    yield from map(_finding, findings)


def _grown(top: Resource, children: dict[str | None, list[Resource]], label: Text) -> Tree:
    """Each resource is looked at once, whatever the stack's size; deep nesting needs no recursion."""
    tree = Tree(label, guide_style="dim")
    waiting = [(top, tree)]
    while waiting:
        parent, branch = waiting.pop()
        for resource in children[parent.urn]:
            title = Text.assemble(
                ("+ ", "green"), (resource.name, "bold"), (f"  {words.kind(resource.type)}", "dim")
            )
            twig = branch.add(title)
            for name, value in words.inputs_that_matter(resource, parent.inputs):
                twig.add(_pair(name, value))
            waiting.append((resource, twig))
    return tree


def _difference(preview: StackPreview, diff: StackDiff) -> Iterator[RenderableType]:
    state = "  new" if diff.before is None else "  removed" if diff.after is None else ""
    yield Text.assemble(
        ("Stack ", "bold"), (diff.stack, "bold cyan"), (state, "bold"), (f"  {words.counted(diff)}", "dim")
    )
    yield from map(_risk, preview.risks)
    if diff.settings:
        settings = Tree(Text("Settings", style="bold"), guide_style="dim")
        for change in diff.settings:
            settings.add(_change(change))
        yield settings
    if diff.changed:
        resources = Tree(Text("Resources", style="bold"), guide_style="dim")
        for change in diff.changed:
            _add(resources, change)
        yield resources
    for note in diff.notes:
        yield Text(note, style="dim")


def _add(tree: Tree, change: ResourceChange) -> None:
    colour = _COLOURS[change.action]
    branch = tree.add(
        Text.assemble(
            (f"{words.MARKS[change.action]} ", colour),
            (change.name, "bold"),
            (f"  {words.kind(change.type)}  ", "dim"),
            (words.headline(change), colour),
        )
    )
    for each in change.changes:
        branch.add(_change(each))


def _change(change: Change) -> Text:
    name, _, rest = words.change_line(change).partition(": ")
    return Text.assemble((f"{name}: ", "dim"), rest, overflow="fold")


def _risk(risk: Risk) -> Text:
    return Text.assemble(
        (f"  {risk.level.name.lower():<7}", _LEVELS[risk.level]),
        (risk.text, "bold"),
        f". {risk.detail}" if risk.detail else "",
    )


def _cost(preview: StackPreview) -> Iterable[RenderableType]:
    if preview.cost_difference is not None:
        yield Text.assemble(("Cost a month  ", "bold"), words.cost_line(preview.cost_difference))
    elif preview.cost is not None:
        yield from cost_table(preview.cost)


def _finding(finding: dict[str, str]) -> Text:
    sentences = (f"{finding['title'].rstrip('.')}.", finding["reason"], finding["fix"])
    colour = "bold red" if finding["severity"] == "error" else "bold yellow"
    return Text.assemble((f"{finding['severity']}: ", colour), " ".join(filter(None, sentences)))


def _pair(name: str, value: str) -> Text:
    return Text.assemble((f"{name}: ", "dim"), value, overflow="fold")
