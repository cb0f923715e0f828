"""The bins of what is counted of each prediction: fixed, so that counts of any time can be compared."""

from bisect import bisect_left

# Close to 1, where most confident models are, the bins are narrow.
CONFIDENCE = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1.0)
# Tokens of a text, each bin an eighth wider than the one before, up to the longest context there is.
LENGTH = tuple(sorted({round(1.125**power) for power in range(118)}))
# The share of a text's tokens that its tokenizer does not know.
UNKNOWN = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
EDGES = {"confidence": CONFIDENCE, "length": LENGTH, "unknown": UNKNOWN}
"""Signal -> the highest value of each bin; what is higher is in the last one."""


def bin_of(edges: tuple[float, ...], value: float) -> int:
    return min(bisect_left(edges, value), len(edges) - 1)
