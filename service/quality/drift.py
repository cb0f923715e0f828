"""Finds out whether what is predicted has drifted from a reference, one prediction at a time.

Each detector is a cumulative sum of log-likelihood ratios (Page 1954; Lorden 1971): it grows while
predictions fit a shift better than the reference, and starts over at 0 while they do not. Under the reference
the ratios multiply to a martingale, so an alarm is e^threshold predictions away on average or more, however
small the counts are. The population stability index (PSI) has no such bound: it is reported, and raises
nothing.
"""

import math
from collections.abc import Sequence

# Odds of a class that count as a shift: from 10 to 20 % of the predictions.
ODDS = 2.25
# Of the standard deviation of ranks: half of the smallest shift that is to be found.
SHIFT = 0.25
# Both were chosen by the simulations in tests/service/test_drift.py.
CLASS_THRESHOLD, RANK_THRESHOLD = 12.6, 16.0
# Added to each bin of the index, so that an empty one has a logarithm.
SMOOTHING = 0.5


class Sum:
    """One cumulative sum over bins. gains: what a prediction in each bin adds."""

    __slots__ = ("_gains", "alarms", "level", "threshold")

    def __init__(self, gains: Sequence[float], threshold: float) -> None:
        self._gains = gains
        self.threshold = threshold
        self.level = 0.0
        self.alarms = 0

    def add(self, place: int) -> bool:
        """Count a prediction; return whether this raises the alarm, after which the sum starts over."""
        level = self.level + self._gains[place]
        if level < self.threshold:
            self.level = level if level > 0.0 else 0.0
            return False
        self.level = 0.0
        self.alarms += 1
        return True


def class_sums(counts: Sequence[int]) -> list[Sum]:
    """Return a sum for each class, which grows as its share does; where one shrinks, another grows.

    counts: of the reference. The threshold rises with the number of classes, as each can raise an alarm.
    """
    threshold = CLASS_THRESHOLD + math.log(max(1, len(counts) / 2))
    total = sum(counts) + len(counts) * SMOOTHING
    sums: list[Sum] = []
    for place, count in enumerate(counts):
        share = (count + SMOOTHING) / total
        shifted = share * ODDS / (1 - share + share * ODDS)
        other = math.log((1 - shifted) / (1 - share))
        gains = [other] * len(counts)
        gains[place] = math.log(shifted / share)
        sums.append(Sum(gains, threshold))
    return sums


def range_sums(counts: Sequence[int]) -> list[Sum]:
    """Return a sum that grows with the rows that have a value outside the reference's ranges.

    counts: of the rows inside and outside, which were not those that gave the ranges. Those outside are few,
    so a share that is larger by two standard deviations is taken: chance would otherwise raise alarms.
    """
    inside, outside = counts
    share = min(0.5, (outside + 2 * math.sqrt(outside + 1) + 1) / (inside + outside))
    shifted = share * ODDS / (1 - share + share * ODDS)
    return [Sum([math.log((1 - shifted) / (1 - share)), math.log(shifted / share)], CLASS_THRESHOLD)]


def rank_sums(counts: Sequence[int]) -> list[Sum]:
    """Return two sums over the bins of a number: one grows as it rises, the other as it falls.

    A bin stands for the middle of its ranks in the reference, because a mean of the numbers themselves would
    follow a few large ones. Where the reference uses one bin alone, one sum grows with what is outside it.
    """
    if sum(count > 0 for count in counts) < 2:
        return [_outside(counts)]
    total = sum(counts) + len(counts) * SMOOTHING
    shares = [(count + SMOOTHING) / total for count in counts]
    below, ranks = 0.0, list[float]()
    for share in shares:
        ranks.append(below + share / 2)
        below += share
    deviation = math.sqrt(sum(share * (rank - 0.5) ** 2 for share, rank in zip(shares, ranks, strict=True)))
    scores = [(rank - 0.5) / deviation for rank in ranks]
    return [Sum(_gains(scores, shares, shift), RANK_THRESHOLD) for shift in (SHIFT, -SHIFT)]


def _outside(counts: Sequence[int]) -> Sum:
    share = SMOOTHING / (sum(counts) + 2 * SMOOTHING)
    shifted = share * ODDS / (1 - share + share * ODDS)
    grows, shrinks = math.log(shifted / share), math.log((1 - shifted) / (1 - share))
    return Sum([shrinks if count else grows for count in counts], RANK_THRESHOLD)


def _gains(scores: Sequence[float], shares: Sequence[float], shift: float) -> list[float]:
    """Return the log-likelihood ratios of the reference tilted by `shift` to the reference itself."""
    norm = math.log(sum(share * math.exp(shift * score) for share, score in zip(shares, scores, strict=True)))
    return [shift * score - norm for score in scores]


def stability_index(reference: Sequence[int], counts: Sequence[int]) -> float:
    """Return the PSI of two histograms over the same bins; 0 means that they are the same."""
    bins = len(reference)
    of_reference, of_counts = (sum(each) + bins * SMOOTHING for each in (reference, counts))
    index = 0.0
    for expected, found in zip(reference, counts, strict=True):
        was, is_now = (expected + SMOOTHING) / of_reference, (found + SMOOTHING) / of_counts
        index += (is_now - was) * math.log(is_now / was)
    return index
