"""What a comparison of two Plans finds, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from slipway.infra.diff.paths import Change
from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import Resource


class Action(StrEnum):
    """What `up` does with a resource, the gravest first.

    FOLLOW: it uses a value of one that changes, and may change with it.
    """

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"
    FOLLOW = "follow"
    RENAME = "rename"
    SAME = "same"


class Knowledge(StrEnum):
    """Whether the table of what forces a replacement has the resource's type."""

    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource. before: None where it is created. after: None where it is deleted.

    forced_by: paths that make the provider replace it. renamed_from: its URN before, with an alias (RENAME,
    or next to another action) or without (REPLACE).
    """

    action: Action
    before: Resource | None
    after: Resource | None
    changes: tuple[Change, ...] = ()
    forced_by: tuple[str, ...] = ()
    renamed_from: str = ""
    knowledge: Knowledge = Knowledge.KNOWN

    @property
    def resource(self) -> Resource:
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def type(self) -> str:
        return self.resource.type

    @property
    def name(self) -> str:
        return self.resource.name

    def change_of(self, path: str) -> Change | None:
        return next((change for change in self.changes if change.plain_path == path), None)


@dataclass(frozen=True, slots=True)
class StackDiff:
    """The comparison of one stack. before: None for a new stack; after: None for one that is deleted.

    settings: the stack file's changed keys. notes: what could not be compared, in sentences. namesake: the
    stack on the other side that has the file of a new or deleted one, or empty.
    """

    stack: str
    before: Plan | None
    after: Plan | None
    resources: tuple[ResourceChange, ...]
    settings: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    namesake: str = ""

    @property
    def has_another_project(self) -> bool:
        """Return whether both sides are of projects with different names, which share no resource."""
        return bool(self.before and self.after and self.before.project != self.after.project)

    @property
    def changed(self) -> tuple[ResourceChange, ...]:
        """Return what changes, without the stack itself."""
        return tuple(
            each
            for each in self.resources
            if each.action is not Action.SAME and each.resource.parent is not None
        )

    def counts(self) -> dict[str, int]:
        """Count the resources that are no components by action, the gravest first."""
        own = [each.action for each in self.resources if each.resource.custom and each.resource.parent]
        return {action.value: own.count(action) for action in Action if action in own}


@dataclass(frozen=True, slots=True)
class StackSource:
    """One side of a comparison. settings: key -> text as the file has it; ciphers: key -> encrypted text.

    with_options: whether the Plan has the resource options; that of an old commit may not. encryption: what
    the ciphers are made with, so that those of two encryptions cannot be compared.
    """

    plan: Plan
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ciphers: Mapping[str, str] = field(default_factory=dict[str, str])
    with_options: bool = True
    encryption: tuple[str, ...] = ()
