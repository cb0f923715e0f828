"""The time of a rollout: a program that waits for minutes gets it from here."""

import time


class Clock:
    """The machine's."""

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


CLOCK = Clock()
