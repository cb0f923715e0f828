"""What a change costs, as a risk. Pure; USD a month."""

from collections.abc import Iterator

from slipway.infra.cost.difference import CostDifference
from slipway.infra.cost.money import dollars
from slipway.infra.diff.risk import Level, Risk

# Below it a change of cost is listed and is no risk.
_MUCH_USD = 100.0


def cost_risks(difference: CostDifference) -> Iterator[Risk]:
    """Yield what a reviewer must know of the cost: what is paid without a request, and the maximum."""
    costs = (("idle", difference.idle), ("maximum", difference.maximum))
    rising = [(name, change) for name, change in costs if change.usd >= _MUCH_USD]
    texts = [f"the {name} cost by {dollars(each.usd)} a month, to {each.after}" for name, each in rising]
    if texts:
        yield Risk(Level.MEDIUM, f"raises {' and '.join(texts)}", _largest(difference))
    new = [each for each in difference.maximum.after.unknown if each not in difference.maximum.before.unknown]
    if new:
        yield Risk(Level.MEDIUM, "makes the cost unknown", f"{'; '.join(new)}.")


def _largest(difference: CostDifference) -> str:
    names = [one.name for one in difference.resources if one.maximum.usd > 0 or one.idle.usd > 0]
    return f"Most of it by {names[0]}." if names else ""
