"""The states of a rollout, as every target records and shows them. Imports nothing."""

UNDER_WAY, PAUSED, SERVES, BACK = "under way", "paused", "serves", "went back"
# Under way, and nothing carries it out any more: it is derived, never recorded.
CUT_OFF = "cut off"
