"""The kinds of rollout. Imports nothing, because the settings are read without Pulumi."""

ROLLING, CANARY, BLUE_GREEN = "rolling", "canary", "blue-green"
KINDS = (ROLLING, CANARY, BLUE_GREEN)
MOST_BAKE_MINUTES = 1440
# What applies where a rollout with a canary or a bake does not say it.
CANARY_PERCENT = 10
BAKE_MINUTES = 5


def in_minutes(minutes: float) -> str:
    """Write a duration in minutes, such as `1 minute` and `2.5 minutes`."""
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"
