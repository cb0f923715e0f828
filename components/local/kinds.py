"""The kinds of rollout. Imports nothing, because the settings are read without Pulumi."""

ROLLING, CANARY, BLUE_GREEN = "rolling", "canary", "blue-green"
KINDS = (ROLLING, CANARY, BLUE_GREEN)
MOST_BAKE_MINUTES = 1440
