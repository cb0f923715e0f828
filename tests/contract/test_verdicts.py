"""A stack is refused where its cloud would refuse it, and only there, by a list that no code reads."""

import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main
from tests.contract.verdicts import VERDICTS
from tests.contract.verdicts.rows import Verdict
from tests.stacks.targets import GIVEN

# One in fifty. Those that are wrong are listed where the test fails: regions that may come to be, and a time
# that has passed, which a live stack may still name; a preview warns of both.
MOST_WRONG = len(VERDICTS) // 50


def taken(verdict: Verdict) -> bool:
    values = {**GIVEN[verdict.target], **verdict.settings}
    given = {f"slipway:{key}": value for key, value in values.items()}
    try:
        plan_of(main, StackConfig("slipway", "prod", given, frozenset(), {}))
    except Exception:
        return False
    return True


def test_stacks_are_taken_and_refused_as_their_clouds_would() -> None:
    wrong = [verdict for verdict in VERDICTS if taken(verdict) is not verdict.taken]
    listed = "\n".join(f"{verdict.target} {verdict.settings}: {verdict.source}" for verdict in wrong)
    assert len(wrong) <= MOST_WRONG, listed


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "gke", "kubernetes"])
def test_the_list_has_both_kinds_of_each_target(target: str) -> None:
    of_target = [verdict.taken for verdict in VERDICTS if verdict.target == target]
    assert 0.3 < sum(of_target) / len(of_target) < 0.7
