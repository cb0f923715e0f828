"""Stop strings: returns the text before the first of them as it comes, never with a part of one."""

from collections.abc import Sequence


class StopStrings:
    """Takes a text piece by piece; what it returns in all does not depend on where the pieces are cut."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Begin a text. stops: none of them empty."""
        self._stops = tuple(stops)
        self._held = ""
        self.found = False

    def feed(self, piece: str) -> str:
        """Return the text that can be passed on now. Not to be called once one is `found`."""
        text = self._held + piece
        # The one that is complete first; of two that end together the longer.
        ends = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.found = True
            self._held = ""
            return text[: min(ends)[1]]
        keep = len(text) - max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[keep:]
        return text[:keep]

    def rest(self) -> str:
        """Return, at the text's end, what was held back as the possible beginning of a stop string."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Count the characters at the end of `text` that `stop` begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
