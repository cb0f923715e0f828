"""Makes the blocks of a preview from what was found of its stacks. Pure."""

from collections import Counter
from collections.abc import Iterator

from slipway.infra.diff.model import Action, StackDiff
from slipway.infra.preview.blocks import (
    Block,
    Changes,
    Contents,
    Cost,
    Counts,
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
    Section,
    StackState,
    Tally,
    Title,
)
from slipway.infra.preview.command import Shown
from slipway.infra.preview.grading import verdict_of
from slipway.infra.preview.stack import StackPreview
from slipway.infra.preview.verdict import Grade, Verdicts


def contents_of(shown: Shown) -> Contents:
    """Return everything that any format shows of these stacks."""
    title = Title(shown.base, shown.commit, tuple(shown.notes))
    verdicts = Verdicts(tuple(map(verdict_of, shown.stacks)))
    sections = tuple(section_of(preview) for preview in shown.stacks)
    return Contents((verdicts, title, LeftOut(shown.left_out)), sections)


def section_of(preview: StackPreview) -> Section:
    """Return the blocks of one stack."""
    return Section(preview.stack, tuple(_parts(preview)))


def _parts(preview: StackPreview) -> Iterator[tuple[Depth, Block]]:
    """Yield each block with its depth: people read the changes of a comparison, programs the plan as well."""
    diff, plan, state = preview.diff, preview.plan, _state(preview)
    counts = _counts(preview)
    target = preview.settings.target if preview.settings else ""
    refused = str(preview.refused) if preview.refused else ""
    yield Depth.NEWS, Heading(preview.stack, state, target, refused, counts)
    known = Depth.FULL if state is StackState.UNCHANGED else Depth.NEWS
    verdict = verdict_of(preview)
    yield known if verdict.grade is Grade.SAFE else Depth.NEWS, verdict
    if diff is not None or preview.risks:
        yield Depth.NEWS, Risks(preview.risks)
    live = preview.live
    notes = (*((live.sentence,) if live else ()), *preview.notes, *(diff.notes if diff else ()))
    if notes:
        yield Depth.NEWS, Notes(notes)
    findings = _findings(preview)
    if findings and findings.new:  # such as that nobody can call it: before the details
        yield Depth.NEWS, findings
    if diff is not None and counts is not None:
        yield Depth.NEWS, Changes(state, counts, diff.settings, diff.changed, diff.notes)
    yield known, _graph(preview)
    if plan is not None:
        as_data = Depth.DATA if diff is not None else Depth.NEWS
        yield (
            as_data,
            Resources(plan.project, plan.resources, Tally.of(plan.resources), live.actions if live else {}),
        )
        yield as_data, Outputs(plan.outputs)
    yield from _costs(preview, known)
    if findings and not findings.new:
        yield known, findings
    if preview.unjudged:
        yield known, RulesNotJudged(preview.unjudged)


def _costs(preview: StackPreview, known: Depth) -> Iterator[tuple[Depth, Block]]:
    """Yield the cost, if there is one. known: the depth of what is as before."""
    difference = preview.cost_difference
    if preview.cost is not None or difference is not None:
        amounts = (difference.idle, difference.expected, difference.maximum) if difference else ()
        stays = difference is not None and difference.stays
        moves = stays or any(each.text != "no change" for each in amounts)
        yield Depth.NEWS if moves else known, Cost(preview.cost, difference)


def _findings(preview: StackPreview) -> Findings | None:
    if not preview.findings:
        return None
    return Findings(tuple(preview.findings), preview.found_before, preview.diff is not None)


def _state(preview: StackPreview) -> StackState:
    diff = preview.diff
    if preview.refused is not None:
        return StackState.REFUSED
    if diff is None:
        return StackState.PLANNED
    if diff.before is None:
        return StackState.NEW
    if diff.after is None:
        return StackState.REMOVED
    return StackState.CHANGED if diff.changed or diff.settings else StackState.UNCHANGED


def _counts(preview: StackPreview) -> Counts | None:
    if preview.diff is not None:
        return _compared_counts(preview.diff)
    return Counts(Tally.of(preview.plan.resources), {}) if preview.plan else None


def _compared_counts(diff: StackDiff) -> Counts:
    side = diff.after or diff.before
    total = Tally.of(side.resources if side else ())
    resources = diff.counts()
    below = [each for each in diff.resources if each.resource.parent is not None]
    components = Counter(each.action for each in below if not each.resource.custom)
    tallies = {action: Tally(resources.get(action, 0), components[action]) for action in Action}
    return Counts(total, {action: each for action, each in tallies.items() if each != Tally(0, 0)})


def _graph(preview: StackPreview) -> Graph:
    """Return the planned resources, and those that the change deletes."""
    planned = preview.plan.resources if preview.plan else ()
    changed = preview.diff.changed if preview.diff else ()
    deleted = [change.before for change in changed if change.after is None and change.before]
    actions = {change.urn: change.action for change in changed}
    return Graph(preview.stack, (*planned, *deleted), actions)
