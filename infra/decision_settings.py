"""The settings that only the readers of a Plan use: how strictly it is judged, and what use is assumed."""

import difflib
from collections.abc import Mapping

from infra import values
from infra.cost.usage import KEYS, usage_values
from infra.policy.levels import LEVELS, RULES
from infra.setting import Setting


def policy_levels(text: str) -> Mapping[str, str]:
    """A JSON object of rule name to level. Raises ValueError, its text a nearby valid one, or ''."""
    levels = values.text_map(text)
    for rule, level in levels.items():
        if rule not in RULES:
            near = difflib.get_close_matches(rule, RULES, 1)
            raise ValueError(near[0] if near else "")
        if level not in LEVELS:
            raise ValueError(f"{rule}: {LEVELS[1]}")
    return levels


DECISIONS = (
    Setting(
        "policy",
        "map",
        "",
        "",
        f"a map of rule to {', '.join(LEVELS)}; the rules are {', '.join(RULES)}",
        "How strictly a rule is taken: a preview with a broken mandatory rule fails.",
        policy_levels,
    ),
    Setting(
        "budget",
        "number",
        "USD a month",
        "",
        "0.01 to 1000000000",
        "What the stack may cost with every instance busy; unset: any amount.",
        values.number(0.01, 1e9),
        field="budget_usd",
    ),
    Setting(
        "usage",
        "map",
        "",
        "",
        f"a map with numbers of any of {', '.join(KEYS)}",
        "What use is assumed where a cost is estimated; docs/guides/cost-and-policy.md tells the units.",
        usage_values,
    ),
)
