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
from slipway.infra.resources.reading import UNKNOWN, Resource
from slipway.infra.resources.table import row_of

# What forces the replacement, apart from the inputs.
PROVIDER = "another provider"
TOGETHER = "what it is replaced with"


def with_followers(found: Iterable[ResourceChange]) -> list[ResourceChange]:
    """Add what follows: FOLLOW for what uses a change, REPLACE where that forces it."""
    changes = {change.urn: change for change in found}
    changes |= {change.urn: change for change in _of_new_providers(changes)}
    changes |= {change.urn: change for change in _of_documents(changes)}
    users = _users(changes)
    waiting = deque(urn for urn, change in changes.items() if _has_new_outputs(change))
    while waiting:
        source = waiting.popleft()
        for urn, name in users[source]:
            was = changes[urn]
            now = _following(was, name, changes[source])
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


def _of_documents(changes: Mapping[str, ResourceChange]) -> Iterator[ResourceChange]:
    """Yield what holds a text that is unknown on both sides, and is made of arguments that changed."""
    for change in changes.values():
        row, maker = row_of(change.type), changes.get(change.resource.parent or "")
        if row is None or row.document is None or maker is None or not change.before or not change.after:
            continue
        name = row.document.input
        unknown = all(side.inputs.get(name) == UNKNOWN for side in (change.before, change.after))
        arguments = {each.path.partition(".")[0].partition("[")[0] for each in maker.changes}
        if unknown and row.document.arguments & arguments:
            yield _following(change, name, maker)


def _users(changes: dict[str, ResourceChange]) -> dict[str, list[tuple[str, str]]]:
    """Map each URN to the resources, and their inputs, that have an unknown value made of it."""
    users: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for urn, change in changes.items():
        if change.after is None or change.before is None or not change.after.custom:
            continue
        for source in change.after.replace_with:
            users[source].append((urn, TOGETHER))
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
    row = row_of(change.type)
    return change.action is Action.UPDATE and row is not None and row.new_outputs


def _together(change: ResourceChange, source: ResourceChange) -> ResourceChange:
    """Mark the change as replaced because another resource is."""
    if change.action is Action.REPLACE or source.action is not Action.REPLACE:
        return change
    return replace(change, action=Action.REPLACE, forced_by=(*change.forced_by, f"{TOGETHER}, {source.name}"))


def _following(change: ResourceChange, name: str, source: ResourceChange) -> ResourceChange:
    """Mark one input of the change as another value, once for each input."""
    if name == TOGETHER:
        return _together(change, source)
    if any(each.path == name for each in change.changes) or name in change.resource.ignore_changes:
        return change
    follows = Change(name, UNKNOWN, UNKNOWN, follows=source.urn)
    row = row_of(change.type)
    forced = row.replaced_by.forced_by([name])[:1] if row and row.replaced_by else []
    if name in change.resource.replace_on_changes:
        forced = [name]
    action = Action.REPLACE if forced else change.action
    if action in (Action.SAME, Action.RENAME):
        action = Action.FOLLOW
    return replace(
        change, action=action, changes=(*change.changes, follows), forced_by=(*change.forced_by, *forced)
    )
