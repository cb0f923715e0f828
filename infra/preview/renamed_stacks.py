"""Finds stack files that another commit has under another name: to Pulumi these are other stacks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway.infra.errors import Refused
from slipway.infra.preview.other_commit import Base
from slipway.infra.settings.stackfile import ciphers_of, stack_config, stack_names

# Of the settings of two files, which share at least is equal where one is the other under a new name.
_LIKE = 0.75


def renamed_stacks(root: Path, base: Base) -> dict[str, str]:
    """Map each renamed stack to its other name, in both directions; a file is taken once."""
    here = stack_names(root)
    new = {stack: _texts(root, stack) for stack in here if stack not in base.stacks}
    gone = {stack: _texts(base.root, stack) for stack in base.stacks if stack not in here}
    found: dict[str, str] = {}
    for stack, other in _likeliest_first(new, gone):
        if stack not in found and other not in found:
            found |= {stack: other, other: stack}
    return found


def _likeliest_first(
    new: Mapping[str, Mapping[str, Any]], gone: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[str, str]]:
    pairs = [(_likeness(new[one], gone[other]), one, other) for one in new for other in gone]
    return [(one, other) for like, one, other in sorted(pairs, key=lambda pair: -pair[0]) if like >= _LIKE]


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the share of settings that are equal; a file that sets nothing is like no other."""
    keys = one.keys() | other.keys()
    return sum(one.get(key) == other.get(key) for key in keys) / len(keys) if keys else 0.0


def _texts(root: Path, stack: str) -> Mapping[str, Any]:
    """Return what a stack's file sets, without the project's name; nothing where it cannot be read."""
    try:
        config = stack_config(root, stack)
        ciphers = ciphers_of(root, stack)
    except Refused:
        return {}
    file = f"Pulumi.{stack}.yaml"
    own = {key: value for key, value in config.values.items() if config.where.get(key) == file}
    return {key.removeprefix(f"{config.project}:"): value for key, value in own.items()} | ciphers
