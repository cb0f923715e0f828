"""Declares the settings of a rollout, which have the same keys, checks and words on every target.

A target's class has those that it supports, with what is particular to it as `more`.
"""

from typing import Any

from slipway.components.rollouts.kinds import BAKE_MINUTES, CANARY_PERCENT, KINDS, MOST_BAKE_MINUTES
from slipway.stacks.settings import checks
from slipway.stacks.settings.setting import setting


def rollout_setting(*kinds: str, **more: Any) -> Any:
    """Declare the setting of how a new version takes over. kinds: those of the target; every one if empty."""
    return setting(
        "rollout",
        checks.choice(*(kinds or KINDS)),
        "How a new version takes over: `rolling`, when it passed its smoke test; `canary`, a share of the "
        "requests first; `blue-green`, all of them, with the old version ready to take them back.",
        **more,
    )


def canary_percent_setting(**more: Any) -> Any:
    return setting(
        "canaryPercent",
        checks.whole(1, 99),
        "Share of the requests that a new version gets, with `rollout: canary`.",
        unit="%",
        **{"unset": f"{CANARY_PERCENT}", **more},
    )


def bake_minutes_setting(**more: Any) -> Any:
    return setting(
        "bakeMinutes",
        checks.number(0.1, MOST_BAKE_MINUTES),
        "Time for which a canary or a blue-green rollout is watched before it is complete.",
        unit="minutes",
        **{"unset": f"{BAKE_MINUTES}", **more},
    )


def rollback_on_setting(unset: str, **more: Any) -> Any:
    """Declare the setting of the rules that a rollout goes back by. unset: those of the target."""
    return setting(
        "rollbackOn",
        checks.texts(
            'rules over the server\'s metrics, such as ["http_server_request_duration_seconds p99 > 3x"]'
        ),
        "Rules by which a canary or a blue-green rollout goes back.",
        unset=unset,
        **more,
    )
