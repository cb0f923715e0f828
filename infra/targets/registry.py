"""Finds the target of a stack by its name in the settings' list.

A target is the module of its name in this package, imported only when it is asked for.
"""

import importlib
from collections.abc import Iterator

from slipway.components.sizes import Size
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.common import TARGETS
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.target import Target


def target_named(name: str) -> Target:
    """The target of this name, one of TARGETS."""
    module = importlib.import_module(f"slipway.infra.targets.{name.replace('-', '_')}")
    return module.TARGET


def target_of(config: StackConfig) -> Target:
    """As the stack says it, before anything else is checked; `local` where it says nothing.

    Raises SettingsError for a target that does not exist.
    """
    name = config.values.get(f"{config.project}:target", "") or "local"
    return target_named(name if name in TARGETS else settings_from(config).target)


def every_target() -> Iterator[Target]:
    """Each target, in the order of the settings' list."""
    return map(target_named, TARGETS)


def smallest_sizes(need_mib: float, cpu: float) -> list[Size]:
    """For each target the smallest valid memory of at least `need_mib`, with at least `cpu`.

    A target is left out where nothing it offers is enough.
    """
    found = (target.smallest_size(need_mib, cpu) for target in every_target())
    return [size for size in found if size is not None]
