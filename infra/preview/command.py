"""Plans the stacks for `slipway preview`, and compares them with those of another commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from slipway.infra.plan.run import without_collector
from slipway.infra.policy.judge import refuse_mandatory
from slipway.infra.preview.base_rules import judge_by_base, risks_by_base
from slipway.infra.preview.live_rollout import live_rollout
from slipway.infra.preview.other_commit import Base, Planning, checkout_of
from slipway.infra.preview.plans import Planned, planned, refuse
from slipway.infra.preview.renamed_stacks import renamed_stacks
from slipway.infra.preview.stack import StackPreview, compared, stack_preview
from slipway.infra.preview.unchanged import unchanged_stacks
from slipway.infra.settings.stackfile import stack_names

_GUIDE = "docs/guides/stuck-stacks.md, Another name for the stack or the project"


@dataclass
class Shown:
    """Holds everything to show. base: name of the commit that it is compared with, or empty."""

    stacks: list[StackPreview]
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    base: str = ""
    commit: str = ""
    notes: list[str] = field(default_factory=list[str])

    def refuse(self) -> None:
        """Raise what must not be merged: a stack without a plan, a mandatory rule that is broken."""
        refused = [each.refused for each in self.stacks if each.refused]
        if refused:
            raise ExceptionGroup("some stacks were refused", refused)
        refuse_mandatory(violation for each in self.stacks for violation in each.violations)


def previewed(root: Path, stacks: Iterable[str], overrides: list[str]) -> Shown:
    """Preview the stacks as they are here. Raises their refusals together."""
    with without_collector():
        named = list(stacks)
        every = [planned(root, stack, overrides) for stack in named or stack_names(root)]
        refuse(every, named=bool(named))
        today = datetime.now(UTC).date()
        return Shown(
            [_with_live(root, each, stack_preview(each, today)) for each in every if each.plan],
            {each.stack: each.left_out for each in every if each.left_out},
        )


def _with_live(root: Path, planned: Planned, preview: StackPreview) -> StackPreview:
    """Add what happens to a service that runs on this machine."""
    if planned.config is None or planned.plan is None:
        return preview
    return replace(preview, live=live_rollout(root, planned.config, planned.plan))


def previewed_against(root: Path, ref: str, stacks: Iterable[str], overrides: list[str]) -> Shown:
    """Compare the stacks with those of `ref`. Raises Refused where there is nothing to compare.

    A stack that is refused here is shown as such, next to the others.
    """
    named, today = list(stacks), datetime.now(UTC).date()
    with without_collector(), checkout_of(root, ref) as base:
        here = stack_names(root)
        wanted = named or sorted({*here, *base.stacks})
        if not wanted:
            refuse([], named=False)
        if nowhere := [stack for stack in named if stack not in {*here, *base.stacks}]:
            refuse([planned(root, stack, overrides) for stack in nowhere], named=True)
        base.renamed = renamed_stacks(root, base)
        both = [stack for stack in wanted if stack in here and stack in base.stacks]
        same = unchanged_stacks(root, base.commit, both) if not overrides else frozenset[str]()
        planning = Planning(root, base, [stack for stack in wanted if stack not in same])
        try:
            every = [planned(root, stack, overrides) for stack in wanted if stack in here]
            judged = {each.stack: stack_preview(each, today) for each in every if not each.left_out}
            _take_as_they_are(base, judged, same)
            planning.finish()  # last: the other commit's program runs meanwhile
            judge_by_base(root, base, judged.values())
        finally:
            planning.stop()
        return _compared(every, judged, wanted, base)


def _take_as_they_are(base: Base, judged: Mapping[str, StackPreview], same: Iterable[str]) -> None:
    """Store of these stacks what is the same on both sides: a plan, or why there is none."""
    for stack in same:
        here = judged.get(stack, StackPreview(stack))
        if here.plan is not None:
            base.plans[stack] = here.plan
            base.findings[stack] = frozenset(finding["title"] for finding in here.findings)
        elif here.refused is not None:
            base.failed[stack] = str(here.refused)


def _compared(
    every: list[Planned], judged: Mapping[str, StackPreview], wanted: list[str], base: Base
) -> Shown:
    today = datetime.now(UTC).date()
    by_name = {each.stack: each for each in every}
    shown = Shown([], base=base.name, commit=base.commit, notes=base.notes)
    for stack in wanted:
        each = by_name.get(stack, Planned(stack))
        if each.left_out:
            shown.left_out[stack] = each.left_out
        else:
            shown.stacks.append(_with_base_rules(compared(each, base, today, judged.get(stack)), base))
    shown.notes = [*_another_project(shown.stacks), *shown.notes]
    return shown


def _with_base_rules(preview: StackPreview, base: Base) -> StackPreview:
    """Add what only the base's own rules say."""
    told = {risk.urn for risk in preview.risks if risk.text.startswith("breaks the rule ")}
    more = [risk for risk in risks_by_base(base, preview.stack, preview.violations) if risk.urn not in told]
    return replace(preview, risks=tuple(sorted([*preview.risks, *more], key=lambda risk: risk.level)))


def _another_project(stacks: Iterable[StackPreview]) -> list[str]:
    """Say once for all stacks what another name of the project means."""
    diffs = [each.diff for each in stacks if each.diff and each.diff.has_another_project]
    names = {(each.before.project, each.after.project) for each in diffs if each.before and each.after}
    return [
        f"Pulumi.yaml names the project {new} instead of {old}: to Pulumi that is another project. `up` "
        f"makes everything anew as {new}, next to what {old} made, which stays until `destroy`; nothing is "
        f"replaced. `name: {old}` keeps all as it is. How to move: {_GUIDE}."
        for old, new in sorted(names)
    ]
