"""Rollouts of a service on a real API server: `slipway up` with the real engine, provider and `kubectl`."""

import pytest

from tests.pulumi_engine.live_kubernetes import node
from tests.pulumi_engine.live_rollouts import NEW, OLD, SERVICE, STACK, Rollouts, metrics, rollouts

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.cluster]

__all__ = ["node", "rollouts"]


def test_a_good_canary_gets_its_share_and_then_everything(rollouts: Rollouts) -> None:
    since = rollouts.now
    rollouts.set(image=NEW)
    rollouts.answers("new", metrics(0))
    said = rollouts.slipway("up", STACK, "--yes")
    print(said)
    print("\n".join(rollouts.story(since)))
