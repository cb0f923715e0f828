"""What a change costs is a risk where it is much, of what is paid without a request too."""

import pytest

from slipway.infra.cost.difference import Change, CostDifference
from slipway.infra.cost.money import Money
from slipway.infra.cost.risk import cost_risks


def difference(idle: float, maximum: float) -> CostDifference:
    at_rest, busy = (Change(Money(50), Money(50 + usd)) for usd in (idle, maximum))
    return CostDifference("dev", at_rest, at_rest, busy, ())


@pytest.mark.parametrize(
    ("idle", "maximum", "texts"),
    [
        (0, 99, []),
        (0, 200, ["raises the maximum cost by $200.00 a month, to $250.00"]),
        (487, 20, ["raises the idle cost by $487.00 a month, to $537.00"]),
        (
            487,
            270,
            [
                "raises the idle cost by $487.00 a month, to $537.00 "
                "and the maximum cost by $270.00 a month, to $320.00"
            ],
        ),
        (-487, -270, []),
    ],
)
def test_a_cost_that_rises_by_much_is_named(idle: float, maximum: float, texts: list[str]) -> None:
    assert [risk.text for risk in cost_risks(difference(idle, maximum))] == texts
