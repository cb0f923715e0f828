"""What a change costs, as a risk. Pure; USD a month."""

import re
from collections.abc import Iterator

from slipway.infra.cost.difference import CostDifference
from slipway.infra.cost.money import dollars
from slipway.infra.diff.risk import Level, Risk

# Below it a change of cost is listed and is no risk.
_MUCH_USD = 100.0
_AMOUNT = re.compile(r"\$([0-9,]+(?:\.[0-9]+)?)")


def cost_risks(difference: CostDifference) -> Iterator[Risk]:
    """Yield what a reviewer must know of the cost: what is paid without a request, and the maximum."""
    costs = (("idle", difference.idle), ("maximum", difference.maximum))
    rising = [(name, change) for name, change in costs if change.usd >= _MUCH_USD]
    texts = [f"the {name} cost by {dollars(each.usd)} a month, to {each.after}" for name, each in rising]
    if texts:
        cause = _largest(difference, [name for name, _ in rising])
        yield Risk(Level.MEDIUM, f"raises {' and '.join(texts)}", cause)
    known = {_subject(each): each for each in difference.maximum.before.unknown}
    new = [each for each in difference.maximum.after.unknown if _subject(each) not in known]
    if new:
        yield Risk(Level.MEDIUM, "makes the cost unknown", f"{'; '.join(new)}.")
    for each in difference.maximum.after.unknown:
        if _largest_amount(each) - _largest_amount(known.get(_subject(each), each)) >= _MUCH_USD:
            yield Risk(Level.MEDIUM, "raises a cost that is not known", f"{each}.")


def _subject(unknown: str) -> str:
    """Return whose cost it is that is unknown: the amounts that stand next to it change with its size."""
    return unknown.partition(": ")[0]


def _largest_amount(unknown: str) -> float:
    """Return the largest of the amounts that stand next to what is unknown, in USD."""
    return max((float(each.replace(",", "")) for each in _AMOUNT.findall(unknown)), default=0.0)


def _largest(difference: CostDifference, rising: list[str]) -> str:
    """Name the resource that raises those costs most."""
    raised = {one.name: sum(getattr(one, cost).usd for cost in rising) for one in difference.resources}
    name = max(raised, key=raised.__getitem__, default="")
    return f"Most of it by {name}." if name and raised[name] > 0 else ""
