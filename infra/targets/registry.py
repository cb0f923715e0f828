"""Finds the target of a stack by its name in the settings' list.

A target is the module with its name in this package, imported only when needed.
"""

import importlib
from collections.abc import Iterator

from slipway.components.sizes import Size
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.target import Target
from slipway.stacks.settings.common import TARGETS


def target_named(name: str) -> Target:
    """Return the target with this name, one of TARGETS."""
    module = importlib.import_module(f"slipway.infra.targets.{name.replace('-', '_')}")
    return module.TARGET


def target_of(config: StackConfig) -> Target:
    """Return the stack's target, before anything else is checked; `local` if it is unset.

    Raises SettingsError for a target that does not exist.
    """
    name = config.values.get(f"{config.project}:target", "") or "local"
    return target_named(name if name in TARGETS else settings_from(config).target)


def every_target() -> Iterator[Target]:
    """List the targets in the order of the settings' list."""
    return map(target_named, TARGETS)


def smallest_sizes(need_mib: float, cpu: float) -> list[Size]:
    """Find for each target the smallest valid size with at least `need_mib` and `cpu`.

    A target is left out if no size that it offers is large enough.
    """
    found = (target.smallest_size(need_mib, cpu) for target in every_target())
    return [size for size in found if size is not None]
