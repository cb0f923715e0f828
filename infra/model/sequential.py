"""The difference between two rates, with an interval that may be looked at as often as one likes.

An ordinary 95 % interval is right 95 times in 100 at one look; whoever looks after every hundred requests
and stops at the first interval without 0 is wrong far more often. This one holds at all looks together: it
inverts the sequential test with a normal mixture (Robbins 1970, "Statistical methods related to the law of
the iterated logarithm"), which Johari, Koomen, Pekelis and Walsh use for A/B tests ("Always valid inference",
Operations Research 2022), and whose validity for estimated variances is that of asymptotic confidence
sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 2024). Time is counted in information, the inverse of the
difference's variance, so that the two may have any shares of the requests, also ones that change.

The library of that literature, `confseq`, is published as C++ source alone and calls itself unstable.
"""

import math
from dataclasses import dataclass

# One success and one failure more in each group: without them, rare events have a variance of 0 at first
# (Agresti and Caffo 2000, "Simple and effective confidence intervals for proportions").
_MORE = 1.0
# The interval is narrowest at so many observations of both groups, relative to what is possible then.
_NARROWEST_AT = 5000


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of the observations are such. count: from 0 to total."""

    count: float
    total: float

    @property
    def value(self) -> float | None:
        """Return the share; None without observations."""
        return self.count / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Difference:
    """The second rate minus the first. low, high: the interval, which may reach beyond -1 and 1."""

    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Return whether the rates differ: 0 is outside."""
        return self.low > 0 or self.high < 0


def difference(first: Proportion, second: Proportion, error: float) -> Difference | None:
    """Return the difference of two rates; None if one has no observation.

    error: the probability that the true difference is ever outside, over all looks together, such as 0.05.
    The observations are independent; the counts at each look contain those of the looks before.
    """
    if first.value is None or second.value is None:
        return None
    pairs = [(each.count + _MORE, each.total + 2 * _MORE) for each in (first, second)]
    of_first, of_second = (count / total for count, total in pairs)
    variance = sum(count / total * (1 - count / total) / total for count, total in pairs)
    information = 1 / variance
    prior = _prior_information(sum(count for count, _ in pairs) / sum(total for _, total in pairs), error)
    mixed = information + prior
    half = variance * math.sqrt(mixed * math.log(mixed / (prior * error**2)))
    middle = of_second - of_first
    return Difference(second.value - first.value, middle - half, middle + half)


def _prior_information(pooled: float, error: float) -> float:
    """Return the information of the mixture's prior with which the interval is narrowest where it should be.

    Source: Waudby-Smith et al. 2024, appendix B.2, the tuning of rho for one time.
    """
    narrowest = _NARROWEST_AT / (4 * pooled * (1 - pooled))
    log = -2 * math.log(error)
    return narrowest / (log + math.log(log + 1))
