"""Renders a preview as data: what `slipway preview --format json` prints."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from slipway.infra.cost.report import cost_json, difference_json
from slipway.infra.policy.judge import unjudged_json
from slipway.infra.preview.blocks import (
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
    Section,
    Title,
)
from slipway.infra.preview.command import Shown
from slipway.infra.preview.contents import contents_of
from slipway.infra.preview.rendering import Renderers
from slipway.infra.preview.report import SCHEMA, VERSION, changes_json, resource_json
from slipway.infra.preview.verdict import StackVerdict, Verdicts

_Entry: TypeAlias = tuple[str, Any]


def document_of(shown: Shown) -> dict[str, Any]:
    """Return the whole document, of plain JSON."""
    contents = contents_of(shown)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        **dict(RENDERERS.rendered(contents.opening)),
        "stacks": [_stack(section) for section in contents.sections],
    }


def _stack(section: Section) -> dict[str, Any]:
    """Return one entry of `stacks`. A stack that is deleted or refused has no resources here."""
    entries = dict(RENDERERS.rendered(section.blocks(Depth.DATA)))
    return {"name": section.stack, "resources": [], "outputs": {}, "findings": [], **entries}


def _verdicts(found: Verdicts) -> Iterator[_Entry]:
    yield "verdict", found.grade.word


def _verdict(found: StackVerdict) -> Iterator[_Entry]:
    yield "verdict", {"grade": found.grade.word, "reasons": list(found.reasons)}


def _title(title: Title) -> Iterator[_Entry]:
    if title.base:
        yield "against", {"name": title.base, "commit": title.commit, "notes": list(title.notes)}


def _left_out(left_out: LeftOut) -> Iterator[_Entry]:
    yield "left_out", dict(left_out.stacks)


def _heading(heading: Heading) -> Iterator[_Entry]:
    yield "state", heading.state.value
    if heading.target:
        yield "target", heading.target
    if heading.refused:
        yield "refused", heading.refused
    if heading.counts is not None:
        total = heading.counts.total
        yield "counts", {"resources": total.resources, "components": total.components}


def _risks(risks: Risks) -> Iterator[_Entry]:
    yield "risks", [risk.as_json() for risk in risks.risks]


def _notes(notes: Notes) -> Iterator[_Entry]:
    yield "notes", list(notes.sentences)


def _changes(changes: Changes) -> Iterator[_Entry]:
    yield "changes", changes_json(changes)


def _resources(resources: Resources) -> Iterator[_Entry]:
    yield "project", resources.project
    yield "resources", [resource_json(resource) for resource in resources.resources]


def _outputs(outputs: Outputs) -> Iterator[_Entry]:
    yield "outputs", dict(outputs.outputs)


def _cost(cost: Cost) -> Iterator[_Entry]:
    if cost.cost is not None:
        yield "cost", cost_json(cost.cost)
    if cost.difference is not None:
        yield "cost_change", difference_json(cost.difference)


def _findings(findings: Findings) -> Iterator[_Entry]:
    yield (
        "findings",
        [
            {**found, "new": findings.is_new(found)} if findings.is_compared else dict(found)
            for found in findings.found
        ],
    )


def _unjudged(unjudged: RulesNotJudged) -> Iterator[_Entry]:
    yield "not_judged", unjudged_json(unjudged.by_resource)


RENDERERS = Renderers[_Entry](
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
    left_out={Graph: "Each of `resources` names its parent and dependencies, and `changes` the actions."},
)
