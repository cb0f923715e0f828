"""The estimate is held to sums that were computed by hand, to the cent."""

import pytest

from tests.infra.cost.hand_arithmetic import SUMS, Sum
from tests.infra.plain import cost


@pytest.mark.parametrize("one", SUMS, ids=[one.name for one in SUMS])
def test_the_estimate_equals_the_sum_by_hand(one: Sum) -> None:
    money = getattr(cost(*one.resources, usage=one.usage), one.figure)
    if one.usd is None:
        assert money.unknown
    else:
        assert not money.unknown
        assert money.usd == pytest.approx(one.usd, abs=0.005)
