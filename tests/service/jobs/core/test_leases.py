"""When a worker counts as dead, whatever the clocks do."""

import pytest

from slipway.service.jobs.leases import OLD_SECONDS, SURELY_SECONDS, WATCHED_SECONDS, Beat, LeaseWatch


class Watched:
    """A watcher that looks every two seconds. age: what the database's clock says of the row."""

    def __init__(self) -> None:
        self.now = 100.0
        self.watch = LeaseWatch(lambda: self.now)

    def look(self, beats: int, age: float, seconds: float = 2.0) -> bool:
        self.now += seconds
        return bool(self.watch.dead({"worker": Beat(beats, age)}))

    def seconds_until_dead(self, age: float, grows: float) -> float:
        """Return how long a worker that counts no more is watched until it is dead."""
        began = self.now
        while not self.look(7, age + grows * (self.now - began)):
            assert self.now - began < 120
        return self.now - began


def test_a_worker_that_counts_lives():
    watched = Watched()
    assert not any(watched.look(beats, age=1) for beats in range(100))


def test_a_worker_that_counts_no_more_is_dead_when_its_row_is_old():
    assert OLD_SECONDS <= Watched().seconds_until_dead(age=0, grows=1) <= OLD_SECONDS + 4


def test_a_watcher_that_comes_later_needs_no_more_than_its_own_watching():
    assert WATCHED_SECONDS <= Watched().seconds_until_dead(age=500, grows=1) <= WATCHED_SECONDS + 4


def test_a_clock_that_jumps_ahead_ends_no_lease():
    watched = Watched()
    assert not any(watched.look(beats, age=1) for beats in range(10))
    assert not any(watched.look(beats, age=86_400) for beats in range(10, 50))


def test_a_clock_that_jumps_back_keeps_no_lease_of_a_dead_worker():
    assert Watched().seconds_until_dead(age=-86_400, grows=1) <= SURELY_SECONDS + 4


def test_who_could_not_look_begins_anew():
    """While the database is away nobody can count, and afterwards every row is old."""
    watched = Watched()
    watched.look(7, age=1)
    assert not watched.look(7, age=61, seconds=60)
    assert not watched.look(7, age=63)
    assert not any(watched.look(beats, age=1) for beats in range(8, 20))


@pytest.mark.parametrize("gone", ["worker", "other"])
def test_a_worker_that_has_left_is_not_watched_any_more(gone: str):
    watched = Watched()
    watched.look(7, age=1)
    assert watched.watch.dead({} if gone == "worker" else {"other": Beat(1, 0)}) == {}
