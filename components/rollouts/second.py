"""The second version of a service that runs as pods: its name, and the pods that a share takes. Pure."""

from .kinds import BLUE_GREEN, CANARY, CANARY_PERCENT

# A label that the pods of both versions have.
INSTANCE_LABEL = "app.kubernetes.io/instance"
# A larger share is a blue-green rollout in all but name.
MOST_PERCENT = 50


def second_name(name: str) -> str:
    """Return the name of the second version's objects, and the value of its pods' own label."""
    return f"{name}-canary"


def canary_pods(stable: int, percent: float) -> int:
    """Return the pods whose part of all comes nearest to the share, one at least."""
    return max(1, round(stable * percent / (100 - percent)))


def share_of(stable: int, canary: int) -> float:
    """Return the share of the requests that so many pods of a canary get, in percent."""
    return 100 * canary / (stable + canary)


def second_pods(rollout: str, percent: float | None, stable: int) -> int:
    """Return the pods of the second version; 0 with a rolling rollout.

    percent: of a canary, up to half of the requests; None for the default. stable: pods of the first version.
    """
    if rollout == CANARY:
        wanted = _default_percent(stable) if percent is None else min(percent, MOST_PERCENT)
        return canary_pods(stable, wanted)
    return stable if rollout == BLUE_GREEN else 0


def _default_percent(stable: int) -> float:
    return min(max(CANARY_PERCENT, share_of(stable, 1)), MOST_PERCENT)
