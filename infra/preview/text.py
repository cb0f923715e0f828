"""Renders a preview for a terminal: risks first, then what changes, or the tree of what is made."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from slipway.infra.cost.report import cost_table
from slipway.infra.diff.model import Action, ResourceChange
from slipway.infra.diff.paths import Change
from slipway.infra.diff.risk import Level
from slipway.infra.policy.judge import unjudged_notes
from slipway.infra.preview import words
from slipway.infra.preview.blocks import (
    Block,
    Changes,
    Cost,
    Depth,
    Findings,
    Graph,
    Heading,
    LeftOut,
    Notes,
    Outputs,
    Resources,
    Risks,
    RulesNotJudged,
    StackState,
    Title,
)
from slipway.infra.preview.command import Shown
from slipway.infra.preview.contents import contents_of
from slipway.infra.preview.rendering import Renderers
from slipway.infra.preview.verdict import Grade, StackVerdict, Verdicts
from slipway.infra.resources.reading import Resource

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
_GRADES = {Grade.SAFE: "bold green", Grade.LOOK: "bold yellow", Grade.DANGEROUS: "bold red"}
_SEVERITIES = {"error": "bold red", "warning": "bold yellow"}


def text_of(shown: Shown, details: bool = False) -> Iterator[RenderableType]:
    """Yield what a terminal prints, part by part. A stack that is unchanged takes one line.

    details: also the inputs of what is planned.
    """
    contents = contents_of(shown)
    yield from RENDERERS.rendered(contents.opening)
    for section in contents.sections:
        blocks = section.blocks(Depth.NEWS)
        yield from RENDERERS.rendered(blocks if details else map(_without_inputs, blocks))
        yield Text()


def _without_inputs(block: Block) -> Block:
    if not isinstance(block, Resources):
        return block
    return replace(block, resources=tuple(replace(each, inputs={}) for each in block.resources))


def _verdicts(found: Verdicts) -> Iterator[RenderableType]:
    yield Text.assemble(("Verdict  ", "bold"), (words.verdicts(found), _GRADES[found.grade]))


def _verdict(found: StackVerdict) -> Iterator[RenderableType]:
    yield Text.assemble("  ", (words.verdict(found), _GRADES[found.grade]))


def _title(title: Title) -> Iterator[RenderableType]:
    if title.base:
        yield Text.assemble("Against ", (title.base, "bold"))
    yield from (Text(note, style="dim") for note in title.notes)


def _left_out(left_out: LeftOut) -> Iterator[RenderableType]:
    yield from (Text(words.left_out(stack, why)) for stack, why in left_out.stacks.items())


def _heading(heading: Heading) -> Iterator[RenderableType]:
    state, counts = words.named_state(heading), words.summary(heading)
    yield Text.assemble(
        ("Stack ", "bold"),
        (heading.stack, "bold cyan"),
        (f"  {state}" if state else "", "bold"),
        (f"  {counts}" if counts else "", "dim"),
    )


def _risks(block: Risks) -> Iterator[RenderableType]:
    for risk in block.risks:
        yield Text.assemble(
            (f"  {risk.level.name.lower():<7}", _LEVELS[risk.level]),
            (risk.text, "bold"),
            f". {risk.detail}" if risk.detail else "",
        )


def _notes(notes: Notes) -> Iterator[RenderableType]:
    yield from (Text(note, style="dim") for note in notes.sentences)


def _changes(changes: Changes) -> Iterator[RenderableType]:
    if changes.settings:
        settings = _tree("Settings")
        for change in changes.settings:
            settings.add(_change(change))
        yield settings
    if changes.resources:
        resources = _tree("Resources")
        for each in changes.resources:
            _add(resources, each, changes.state)
        yield resources


def _add(tree: Tree, change: ResourceChange, state: StackState) -> None:
    colour = _COLOURS[change.action]
    branch = tree.add(
        Text.assemble(
            (f"{words.MARKS[change.action]} ", colour),
            (change.name, "bold"),
            (f"  {words.kind(change.type)}  ", "dim"),
            (words.headline(change, state), colour),
        )
    )
    for each in change.changes:
        branch.add(_change(each))


def _change(change: Change) -> Text:
    name, _, rest = words.change_line(change).partition(": ")
    return _pair(name, rest)


def _resources(resources: Resources) -> Iterator[RenderableType]:
    """Grow the tree from its root: each resource is looked at once, and deep nesting needs no recursion."""
    children: dict[str, list[Resource]] = defaultdict(list)
    for resource, parent in resources.with_parents():
        children[parent.urn].append(resource)
    tree = _tree("Resources")
    waiting = [(each, tree) for each in resources.resources if each.parent is None]
    while waiting:
        parent, branch = waiting.pop()
        for resource in children[parent.urn]:
            waiting.append((resource, branch.add(_planned(resource, resources.actions))))
            for name, value in words.inputs_that_matter(resource, parent.inputs):
                waiting[-1][1].add(_pair(name, value))
    yield tree
    if any(each.inputs for each in resources.resources):
        return
    yield Text(f"{words.sized(resources.counts)}; `--details` shows their inputs.", style="dim")


def _planned(resource: Resource, actions: Mapping[str, Action]) -> Text:
    action = actions.get(resource.urn, Action.CREATE)
    mark = (f"{words.MARKS[action]} ", _COLOURS[action])
    return Text.assemble(mark, (resource.name, "bold"), (f"  {words.kind(resource.type)}", "dim"))


def _outputs(outputs: Outputs) -> Iterator[RenderableType]:
    if outputs.outputs:
        tree = _tree("Outputs")
        for name, value in outputs.outputs.items():
            tree.add(_pair(name, words.value(value)))
        yield tree


def _cost(cost: Cost) -> Iterator[RenderableType]:
    if cost.difference is not None:
        yield Text.assemble(("Monthly cost  ", "bold"), words.cost_line(cost.difference))
    elif cost.cost is not None:
        yield from cost_table(cost.cost)


def _findings(findings: Findings) -> Iterator[RenderableType]:
    yield from map(_finding, findings.new)
    if known := words.as_before(findings.known_by_severity):
        yield Text(known, style="dim")


def _finding(finding: Mapping[str, str]) -> Text:
    severity = finding["severity"]
    sentences = " ".join(filter(None, words.finding_sentences(finding)))
    return Text.assemble((f"{severity}: ", _SEVERITIES.get(severity, "bold cyan")), sentences)


def _unjudged(unjudged: RulesNotJudged) -> Iterator[RenderableType]:
    yield from (Text(note, style="dim") for note in unjudged_notes(unjudged.by_resource))


def _tree(title: str) -> Tree:
    return Tree(Text(title, style="bold"), guide_style="dim")


def _pair(name: str, value: str) -> Text:
    return Text.assemble((f"{name}: ", "dim"), value, overflow="fold")


RENDERERS = Renderers[RenderableType](
    {
        Verdicts: _verdicts,
        Title: _title,
        LeftOut: _left_out,
        Heading: _heading,
        StackVerdict: _verdict,
        Risks: _risks,
        Notes: _notes,
        Changes: _changes,
        Resources: _resources,
        Outputs: _outputs,
        Cost: _cost,
        Findings: _findings,
        RulesNotJudged: _unjudged,
    },
    left_out={Graph: "A terminal draws no picture; the tree nests resources in their components."},
)
