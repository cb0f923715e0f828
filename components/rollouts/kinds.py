"""The kinds of rollout. Imports nothing, because the settings are read without Pulumi."""

ROLLING, CANARY, BLUE_GREEN = "rolling", "canary", "blue-green"
KINDS = (ROLLING, CANARY, BLUE_GREEN)
MOST_BAKE_MINUTES = 1440
# What applies where a rollout with a canary or a bake does not say it.
CANARY_PERCENT = 10
BAKE_MINUTES = 5
