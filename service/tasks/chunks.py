"""Splits a long text at sentence ends, so that each part fits a model."""

import re
from collections.abc import Callable, Iterator, Sequence

# A sentence's end with the space behind it (CJK marks have none), or a new line.
SENTENCE_END = re.compile(r"[.!?…][\"'”\u2019)\]]*\s+|[。\uff01\uff1f]|\n+")
WHITE_SPACE = re.compile(r"\s+")
# A part is never cut shorter than this share of what fits, or a text of short sentences would make many.
LEAST_SHARE = 0.5

Span = tuple[int, int]
"""First character and the one after the last."""


def chunks(text: str, spans: Sequence[Span], tokens: int, excess_of: Callable[[str], int]) -> Iterator[str]:
    """Yield the parts of the text, without gaps, of at most about `tokens` tokens each.

    spans: the place of each token in the text. excess_of: by how many tokens a part is too long for the
    model, as by itself it may have more than inside the text; such a part is made shorter.
    """
    first = 0
    while first < len(spans):
        start, take = spans[first][0], tokens
        end = _end(text, spans, first, take)
        while take > 1 and (excess := excess_of(text[start:end])) > 0:
            take = max(1, take - excess)
            end = _end(text, spans, first, take)
        yield text[start:end]
        first = next((index for index in range(first + 1, len(spans)) if spans[index][0] >= end), len(spans))


def _end(text: str, spans: Sequence[Span], first: int, take: int) -> int:
    """Return where a part of at most `take` tokens from `first` on ends, preferably after a sentence."""
    if first + take >= len(spans):
        return len(text)
    latest = spans[first + take][0]
    earliest = spans[first + int(take * LEAST_SHARE)][0]
    for border in (SENTENCE_END, WHITE_SPACE):
        places = [found.end() for found in border.finditer(text, earliest, latest)]
        if places:
            return places[-1]
    return max(latest, spans[first][0] + 1)
