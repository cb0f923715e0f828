"""The estimate is held to sums that were computed by hand, to the cent."""

import pytest

from tests.infra.cost.hand_arithmetic import SUMS, WRONG, Sum
from tests.infra.plain import cost

_WRONG = pytest.mark.xfail(strict=True, reason="not modelled yet")
CASES = [pytest.param(one, id=one.name, marks=_WRONG if one.name in WRONG else ()) for one in SUMS]


@pytest.mark.parametrize("one", CASES)
def test_the_estimate_equals_the_sum_by_hand(one: Sum) -> None:
    money = getattr(cost(*one.resources, usage=one.usage), one.figure)
    if one.usd is None:
        assert money.unknown
    else:
        assert not money.unknown
        assert money.usd == pytest.approx(one.usd, abs=0.005)
