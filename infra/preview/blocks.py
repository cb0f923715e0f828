"""Declares what a preview shows: one ordered list of blocks, which every format renders block by block.

A block is data without markup, and each number in it is counted here, once. Escaping, colours and what a
format has no room for belong to the renderers. Money is USD a month.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Self, TypeAlias

from slipway.infra.cost.difference import CostDifference
from slipway.infra.cost.money import Money
from slipway.infra.cost.stack import StackCost
from slipway.infra.diff.model import Action, ResourceChange
from slipway.infra.diff.paths import Change
from slipway.infra.diff.risk import Risk
from slipway.infra.preview.verdict import StackVerdict, Verdicts
from slipway.infra.resources.reading import Resource


class StackState(StrEnum):
    """Says what a preview found of a stack. PLANNED: it is not compared with anything."""

    PLANNED = "planned"
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    REFUSED = "refused"


class Depth(IntEnum):
    """Says how much a format shows. NEWS: only the news of an unchanged stack. DATA: what programs need."""

    NEWS = 0
    FULL = 1
    DATA = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts resources, and the components that group them; the stack itself is neither."""

    resources: int
    components: int

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Self:
        """Count what lies below the stack."""
        below = [each.custom for each in resources if each.parent is not None]
        return cls(sum(below), len(below) - sum(below))


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts a stack, or the one that is removed. by_action: empty without a comparison."""

    total: Tally
    by_action: Mapping[Action, Tally]


@dataclass(frozen=True, slots=True)
class Title:
    """Names what the stacks are compared with, if anything. notes: on that comparison, in sentences."""

    base: str
    commit: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lists the stacks that are not previewed. stacks: name -> why."""

    stacks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Heading:
    """Opens a stack. target, refused: empty where there is none. counts: None without a plan on any side."""

    stack: str
    state: StackState
    target: str
    refused: str
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class Risks:
    """Lists what a change puts at risk, the worst first."""

    risks: tuple[Risk, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Lists what could not be planned or compared, in sentences."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Lists what differs between two plans. resources: without the unchanged, which `counts` has."""

    state: StackState
    counts: Counts
    settings: tuple[Change, ...]
    resources: tuple[ResourceChange, ...]
    notes: tuple[str, ...]

    def by_action(self) -> Iterator[tuple[Action, Tally, list[ResourceChange]]]:
        """Yield the changed resources of each action, with how many there are, the gravest first."""
        for action in Action:
            found = [change for change in self.resources if change.action is action]
            if found:
                yield action, self.counts.by_action[action], found


@dataclass(frozen=True, slots=True)
class Graph:
    """Links resources with what they use. actions: URN -> what happens to it; none for the unchanged."""

    stack: str
    resources: tuple[Resource, ...]
    actions: Mapping[str, Action]


@dataclass(frozen=True, slots=True)
class Resources:
    """Lists a stack as it is planned, the stack itself among its resources.

    actions: URN -> what happens to it, where a service runs; the others are created.
    """

    project: str
    resources: tuple[Resource, ...]
    counts: Tally
    actions: Mapping[str, Action] = field(default_factory=dict[str, Action])

    def with_parents(self) -> Iterator[tuple[Resource, Resource]]:
        """Yield each resource below the stack with its parent."""
        by_urn = {each.urn: each for each in self.resources}
        for each in self.resources:
            if each.parent is not None:
                yield each, by_urn[each.parent]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Lists what the stack exports. outputs: name -> value."""

    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimates a month. cost: None for a removed stack. difference: None without a comparison."""

    cost: StackCost | None
    difference: CostDifference | None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return what no figure includes, each in a few words."""
        cost = self.cost
        return Money.total((cost.idle, cost.expected, cost.maximum)).unknown if cost else ()


@dataclass(frozen=True, slots=True)
class Findings:
    """Lists findings, each with severity, title, reason and fix. known: titles at the other commit."""

    found: tuple[Mapping[str, str], ...]
    known: frozenset[str]
    is_compared: bool

    def is_new(self, finding: Mapping[str, str]) -> bool:
        """Return whether the other commit lacks it; without one every finding is new."""
        return finding["title"] not in self.known

    @property
    def new(self) -> list[Mapping[str, str]]:
        """Return the findings to show in full."""
        return [finding for finding in self.found if self.is_new(finding)]

    @property
    def known_by_severity(self) -> Mapping[str, int]:
        """Count the findings that are as before, by severity."""
        return Counter(finding["severity"] for finding in self.found if not self.is_new(finding))


@dataclass(frozen=True, slots=True)
class RulesNotJudged:
    """Lists what could not be judged. by_resource: name of a resource -> rule -> why."""

    by_resource: Mapping[str, Mapping[str, str]]


Block: TypeAlias = (
    Verdicts
    | Title
    | LeftOut
    | Heading
    | StackVerdict
    | Risks
    | Notes
    | Changes
    | Graph
    | Resources
    | Outputs
    | Cost
    | Findings
    | RulesNotJudged
)


@dataclass(frozen=True, slots=True)
class Section:
    """Holds one stack. parts: its blocks in reading order, each with the depth from which it is shown."""

    stack: str
    parts: tuple[tuple[Depth, Block], ...]

    def blocks(self, depth: Depth) -> Iterator[Block]:
        """Yield the blocks of a format that shows that much."""
        return (block for needed, block in self.parts if needed <= depth)


@dataclass(frozen=True, slots=True)
class Contents:
    """Holds a whole preview: what stands above the stacks, then each of them."""

    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
