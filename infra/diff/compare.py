"""Compares two Plans: what `up` would create, change, replace and delete.

Resources are the same by their URN, by an alias, or, where both are gone, by their likeness: then they were
renamed without an alias, which replaces them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from slipway.infra.diff.follow import with_followers
from slipway.infra.diff.model import Action, Knowledge, ResourceChange, StackDiff, StackSource
from slipway.infra.diff.paths import ABSENT, Change, changes_between, leaf_paths, values_with_paths
from slipway.infra.resources.reading import SECRET, Resource
from slipway.infra.resources.row import Replacement, Role
from slipway.infra.resources.table import role_of, row_of

# Of the inputs of two resources of a type, from which share on one is the other under a new name.
_LIKE = 0.5
# The resource option, as a path next to the inputs.
PROTECT = "(protect)"
# The resource option whose change replaces, in words.
TRIGGER = "what it is bound to"
_ENCRYPTED_ANEW = (
    "The stack's file is encrypted anew, with another key or salt: whether a secret has another value is not "
    "known."
)
# What forces the replacement of a resource with a new URN, apart from the inputs.
RENAMED = "a new name or place without an alias"


def difference_of(
    stack: str, before: StackSource | None, after: StackSource | None, namesake: str = ""
) -> StackDiff:
    """Compare two sides of one stack. None: the stack is not on that side.

    Of another project `up` touches nothing: all resources are new.
    """
    another = before and after and before.plan.project != after.plan.project
    old = before.plan.resources if before and not another else ()
    new = after.plan.resources if after else ()
    settings, secrets = _settings(before, after)
    pairs = _paired(old, new)
    with_options = before is None or before.with_options
    found = [_changed(_with_options_of(a, b, with_options), b, secrets, alias) for a, b, alias in pairs]
    order = list(Action)
    ordered = sorted(with_followers(found), key=lambda change: (order.index(change.action), change.urn))
    notes = (_ENCRYPTED_ANEW,) if before and after and _is_encrypted_anew(before, after) else ()
    plans = (before.plan if before else None, after.plan if after else None)
    return StackDiff(stack, *plans, tuple(ordered), settings, notes, namesake)


def _is_encrypted_anew(before: StackSource, after: StackSource) -> bool:
    return before.encryption != after.encryption and bool(before.ciphers.keys() & after.ciphers.keys())


def _with_options_of(before: Resource | None, after: Resource | None, known: bool) -> Resource | None:
    """Take options that are not known to be the same."""
    if known or before is None or after is None:
        return before
    return replace(before, protect=after.protect, replacement_trigger=after.replacement_trigger)


def _settings(before: StackSource | None, after: StackSource | None) -> tuple[tuple[Change, ...], set[str]]:
    """Return the changed settings, and the environment names whose encrypted value changed."""
    if before is None or after is None:
        return (), set()
    plain = changes_between(before.settings, after.settings)
    ciphers, anew = {*before.ciphers, *after.ciphers}, _is_encrypted_anew(before, after)
    changed = {
        key: Change(key, _masked(before, key), _masked(after, key), secret=True)
        for key in sorted(ciphers)
        if before.ciphers.get(key) != after.ciphers.get(key)
        and not (anew and key in before.ciphers and key in after.ciphers)
    }
    kept = [change for change in plain if not any(f"{key}.".startswith(f"{change.path}.") for key in changed)]
    names = {_environment_name(key) for key in changed}
    return tuple(sorted([*kept, *changed.values()], key=lambda change: change.path)), names


def _masked(source: StackSource, key: str) -> object:
    if key in source.ciphers:
        return SECRET
    return source.settings.get(key, ABSENT)


def _environment_name(key: str) -> str:
    return "MODEL_API_KEY" if key == "apiKey" else key.rpartition(".")[2]


def _paired(
    old: Iterable[Resource], new: Iterable[Resource]
) -> list[tuple[Resource | None, Resource | None, bool]]:
    """Pair the resources: before, after, and whether an alias joins them."""
    left = {resource.urn: resource for resource in old}
    pairs: list[tuple[Resource | None, Resource | None, bool]] = []
    created: list[Resource] = []
    for resource in new:
        if resource.urn in left:
            pairs.append((left.pop(resource.urn), resource, False))
        elif alias := next((each for each in resource.aliases if each in left), ""):
            pairs.append((left.pop(alias), resource, True))
        else:
            created.append(resource)
    renamed = _renamed(list(left.values()), created)
    for resource in created:
        pairs.append(
            (left.pop(renamed[resource.urn].urn, None) if resource.urn in renamed else None, resource, False)
        )
    return pairs + [(resource, None, False) for resource in left.values()]


def _renamed(deleted: list[Resource], created: list[Resource]) -> dict[str, Resource]:
    """Map each new URN to the deleted resource that it is most like; each deleted one is taken once."""
    by_type: dict[str, list[Resource]] = defaultdict(list)
    for resource in deleted:
        by_type[resource.type].append(resource)
    found: dict[str, Resource] = {}
    for resource in created:
        likely = by_type[resource.type]
        best = max(likely, key=lambda other: _likeness(resource, other), default=None)
        if best is not None and _likeness(resource, best) >= _enough(resource, best):
            found[resource.urn] = best
            likely.remove(best)
    return found


def _enough(one: Resource, other: Resource) -> float:
    """Return from which likeness on it is a rename; of one component's list another entry is none."""
    row = row_of(one.type)
    return 1.0 if row and row.is_entry and one.parent == other.parent else _LIKE


def _likeness(one: Resource, other: Resource) -> float:
    """Return the share of equal inputs, without their own names; an equal end of the name counts too."""
    first = dict(values_with_paths(_without(one.inputs, one.name)))
    second = dict(values_with_paths(_without(other.inputs, other.name)))
    keys = {*first, *second}
    equal = sum(first.get(key, ABSENT) == second.get(key, ABSENT) for key in keys)
    role = one.name.rpartition("-")[2] == other.name.rpartition("-")[2]
    return (equal + role) / (len(keys) + 1)


def _without(inputs: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in inputs.items() if value != name}


def _changed(
    before: Resource | None, after: Resource | None, secrets: set[str], by_alias: bool
) -> ResourceChange:
    if before is None or after is None:
        return ResourceChange(Action.CREATE if before is None else Action.DELETE, before, after)
    changes = [*changes_between(before.inputs, after.inputs), *_protection(before, after)]
    changes += _changed_secrets(before, after, secrets)
    changes = [change for change in changes if not _ignored(change, after.ignore_changes)]
    renamed_from = before.urn if before.urn != after.urn else ""
    row = row_of(after.type) if after.custom else None
    replaced_by = row.replaced_by if row else None
    forced = tuple(dict.fromkeys(_forcing(after, changes, replaced_by)))
    if _is_triggered(before, after):
        changes.append(Change(TRIGGER, before.replacement_trigger, after.replacement_trigger))
        forced = (*forced, TRIGGER)
    if renamed_from and not by_alias and after.custom:
        forced = (RENAMED, *forced)
    action = Action.REPLACE if forced else Action.UPDATE if changes else Action.SAME
    if action is Action.SAME and renamed_from:
        action = Action.RENAME
    known = Knowledge.UNKNOWN if after.custom and replaced_by is None else Knowledge.KNOWN
    return ResourceChange(action, before, after, tuple(changes), forced, renamed_from, known)


def _forcing(resource: Resource, changes: list[Change], replaced_by: Replacement | None) -> Iterable[str]:
    for change in changes:
        if change.path == PROTECT or _first_identified(resource, change):
            continue
        paths = list(leaf_paths(change))
        yield from replaced_by.forced_by(paths)[:1] if replaced_by else ()
        yield from [path for path in paths if _is_within(path, resource.replace_on_changes)][:1]


def _is_triggered(before: Resource, after: Resource) -> bool:
    """Return whether the replacement trigger changed; one that is only added or removed replaces nothing.

    Source: pulumi, step_generator.go, shouldTriggerReplace.

    One that is known neither before nor after is taken to be the same; what it is made of may replace it all
    the same. One that is known on one side alone is made of a resource on the other one.
    """
    both = (before.replacement_trigger, after.replacement_trigger)
    return None not in both and both[0] != both[1]


def _first_identified(resource: Resource, change: Change) -> bool:
    """Return whether a provider's cluster identifier is only added or removed, which replaces nothing.

    Source: pulumi-kubernetes, provider.go, DiffConfig.
    """
    return role_of(resource.type) is Role.CLUSTER_ACCESS and ABSENT in (change.before, change.after)


def _protection(before: Resource, after: Resource) -> Iterable[Change]:
    if before.protect != after.protect:
        yield Change(PROTECT, before.protect, after.protect)


def _changed_secrets(before: Resource, after: Resource, names: set[str]) -> Iterable[Change]:
    """Yield the masked values whose encrypted text in the stack file changed, found by their names."""
    if not names:
        return
    old = dict(values_with_paths(before.inputs))
    for path, value in values_with_paths(after.inputs):
        if value == SECRET == old.get(path):
            end = path.replace("]", "").rpartition(".")[2].rpartition("[")[2]
            if (
                end in names
                or any(f"-{name}-" in after.name for name in names)
                or (end == "api_key" and "MODEL_API_KEY" in names)
            ):
                yield Change(path, SECRET, SECRET, secret=True)


def _ignored(change: Change, ignored: tuple[str, ...]) -> bool:
    return _is_within(change.path, ignored)


def _is_within(path: str, named: tuple[str, ...]) -> bool:
    """Return whether the path is one of those, or within one."""
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in named)
