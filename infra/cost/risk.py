"""What a change costs, as a risk. Pure; USD a month."""

from collections.abc import Iterator

from slipway.infra.cost.difference import CostDifference
from slipway.infra.cost.money import dollars
from slipway.infra.diff.risk import Level, Risk

# Below it a change of cost is listed and is no risk.
_MUCH_USD = 100.0


def cost_risks(difference: CostDifference) -> Iterator[Risk]:
    """Yield what a reviewer must know of the cost: one risk, of the maximum where it rises, else idle."""
    for name, change in (("maximum", difference.maximum), ("idle", difference.idle)):
        if change.usd >= _MUCH_USD:
            text = f"raises the {name} cost by {dollars(change.usd)} a month, to {change.after}"
            yield Risk(Level.MEDIUM, text, _largest(difference))
            break
    new = [each for each in difference.maximum.after.unknown if each not in difference.maximum.before.unknown]
    if new:
        yield Risk(Level.MEDIUM, "makes the cost unknown", f"{'; '.join(new)}.")


def _largest(difference: CostDifference) -> str:
    names = [one.name for one in difference.resources if one.maximum.usd > 0 or one.idle.usd > 0]
    return f"Most of it by {names[0]}." if names else ""
