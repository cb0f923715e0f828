"""The settings of each target, and what is known of a key whatever the target."""

from collections.abc import Mapping

from slipway.stacks.settings.cloud_run import CloudRunSettings
from slipway.stacks.settings.common import TARGETS, Settings
from slipway.stacks.settings.fargate import FargateSettings
from slipway.stacks.settings.gke import GkeSettings
from slipway.stacks.settings.kubernetes import KubernetesSettings
from slipway.stacks.settings.local import LocalSettings
from slipway.stacks.settings.setting import Setting

SETTINGS: Mapping[str, type[Settings]] = dict(
    zip(
        TARGETS,
        (LocalSettings, CloudRunSettings, FargateSettings, GkeSettings, KubernetesSettings),
        strict=True,
    )
)


def rows_of(key: str) -> Mapping[str, Setting]:
    """Map each target to its setting of this key; empty for an unknown key."""
    return _BY_KEY.get(key, {})


def keys() -> tuple[str, ...]:
    """Return every key of every target, each once."""
    return tuple(_BY_KEY)


def row_of(key: str) -> Setting | None:
    """Return the setting of this key on the first target that has it; None for an unknown key."""
    return next(iter(rows_of(key).values()), None)


def _by_key() -> dict[str, dict[str, Setting]]:
    found: dict[str, dict[str, Setting]] = {}
    for target, settings in SETTINGS.items():
        for row in settings.rows():
            found.setdefault(row.key, {})[target] = row
    return found


_BY_KEY = _by_key()
