"""What follows a change: an unknown value that is made of a resource whose outputs change; a new provider.

The Plan does not know such a value, before or after. That it is another one then is known, and where the
property forces a replacement, that is one too: so a new image reaches the task definition and the service.
All that a provider made is made anew with it.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from slipway.infra.diff.model import Action, ResourceChange
from slipway.infra.diff.paths import Change, values_with_paths
from slipway.infra.diff.replacements import row_of
from slipway.infra.plan.monitor import UNKNOWN, Resource

# What forces the replacement, beside the inputs.
PROVIDER = "another provider"
# Changed in place, these have another output all the same: the image's digest.
_NEW_OUTPUT = frozenset({"docker-build:index:Image"})


def with_followers(found: Iterable[ResourceChange]) -> list[ResourceChange]:
    """The changes with FOLLOW for what uses them, and REPLACE where that forces it."""
    changes = {change.urn: change for change in found}
    changes |= {change.urn: change for change in _of_new_providers(changes)}
    users = _users(changes)
    waiting = deque(urn for urn, change in changes.items() if _has_new_outputs(change))
    while waiting:
        source = waiting.popleft()
        for urn, name in users[source]:
            was = changes[urn]
            now = _following(was, name, source)
            changes[urn] = now
            if _has_new_outputs(now) and not _has_new_outputs(was):
                waiting.append(urn)
    return list(changes.values())


def _of_new_providers(changes: Mapping[str, ResourceChange]) -> Iterator[ResourceChange]:
    for change in changes.values():
        provider = changes.get(change.after.provider) if change.before and change.after else None
        if provider and provider.action is Action.REPLACE:
            forced = (*change.forced_by, PROVIDER)
            yield replace(change, action=Action.REPLACE, forced_by=forced)


def _users(changes: dict[str, ResourceChange]) -> dict[str, list[tuple[str, str]]]:
    """URN -> the resources, and their inputs, that have an unknown value made of it."""
    users: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for urn, change in changes.items():
        if change.after is None or change.before is None or not change.after.custom:
            continue
        for name, sources in change.after.uses.items():
            if _has_unknown(change.after, name):
                for source in sources:
                    users[source].append((urn, name))
    return users


def _has_unknown(resource: Resource, name: str) -> bool:
    return any(value == UNKNOWN for _, value in values_with_paths(resource.inputs.get(name)))


def _has_new_outputs(change: ResourceChange) -> bool:
    if change.action in (Action.CREATE, Action.REPLACE):
        return True
    return change.action is Action.UPDATE and change.type in _NEW_OUTPUT


def _following(change: ResourceChange, name: str, source: str) -> ResourceChange:
    """The change with that one of its inputs is another value; once for each input."""
    if any(each.path == name for each in change.changes):
        return change
    follows = Change(name, UNKNOWN, UNKNOWN, follows=source)
    row = row_of(change.type)
    forced = row.forced_by([name])[:1] if row else []
    action = Action.REPLACE if forced else change.action
    if action in (Action.SAME, Action.RENAME):
        action = Action.FOLLOW
    return replace(
        change, action=action, changes=(*change.changes, follows), forced_by=(*change.forced_by, *forced)
    )
