"""Kills of workers, servers and the database at seeded moments, while thousands of jobs are handed in.

A moment is a number of ended jobs: so the kills are spread over all of the work, however fast the machine is.
`FULL=1` is the long form; SEED takes another series of moments.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.service.jobs.databases import Database, Sqlite, running_postgresql
from tests.service.jobs.kills.books import Books
from tests.service.jobs.kills.callers import Callers, Connection, label_of
from tests.service.jobs.kills.fleet import Code, Fleet, Member, next_code, this_code

pytestmark = [pytest.mark.kills]

IS_FULL = os.environ.get("FULL") == "1"
KILLS, JOBS = (200, 10_000) if IS_FULL else (100, 5000)
SEED = int(os.environ.get("SEED", "26"))
WORKERS, CALLERS = 3, 6
# How many jobs may be handed in before the earlier ones have ended.
AHEAD = 200
LOOK_SECONDS = 0.05
TAKEN_OVER_SECONDS = 60.0
# Without kills, for the jobs whose workers were killed last, and for a machine that does other work as well.
QUIET_SECONDS = 180.0
STEP_SECONDS = 120.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield Sqlite(tmp_path)
    else:
        with running_postgresql() as postgresql:
            yield postgresql


class Storm:
    """One run of the test."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.random = random.Random(f"{SEED} {database.kind}")
        self.database = database
        self.books = Books(database)
        self.fleet = Fleet(database.address, folder, this_code(), WORKERS)
        self.next = next_code(folder / "next")
        self.killed = Counter[str]()
        self.ended = 0
        self.taken_over_seconds: float | None = None
        self.callers = self._start()

    def _start(self) -> Callers:
        """Start everything, and count the ends before the first job is handed in."""
        self.fleet.keep_running()
        callers = Callers(self.fleet.port, CALLERS)
        with closing(Connection(self.fleet.port)) as probe:
            self.until(lambda: (probe.send("GET", "/jobs") or (0, None))[0] == 200, callers)
        self.books.open()
        return callers

    def until(self, is_so: Callable[[], bool], callers: Callers, seconds: float = STEP_SECONDS) -> None:
        """Keep everything running until something is so, looked at whenever a job is accepted, and often."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, f"not within {seconds:g} s; see the logs of the processes"
            self.database.keep_running()
            self.fleet.keep_running()
            with callers.changed:
                callers.changed.wait(LOOK_SECONDS)

    def has_ended(self, jobs: int) -> bool:
        found = self.books.ended()
        self.ended = self.ended if found is None else found
        return self.ended >= jobs

    def run(self) -> None:
        """Hand in all the jobs, and kill meanwhile."""
        moments = sorted(self.random.sample(range(JOBS - AHEAD), KILLS))
        alone, deploy = KILLS // 3, 2 * KILLS // 3
        for number, moment in enumerate(moments):
            self.callers.allow(moment + AHEAD)
            self.until(lambda moment=moment: self.has_ended(moment), self.callers)
            if number == alone:
                self.kill_one_for_good()
            elif number == deploy:
                self.kill_during_deploy(self.next)
            else:
                self.kill_any()
        self.callers.allow(JOBS)
        self.until(lambda: len(self.callers.ids) + len(self.callers.faults) == JOBS, self.callers)
        self.until(lambda: self.has_ended(JOBS), self.callers, QUIET_SECONDS)

    def kill_any(self) -> None:
        """Kill a worker, the server or the database, whichever the seed says."""
        weights = {"worker": 6, "server": 2, self.database.kind: 0 if self.database.kind == "sqlite" else 2}
        [kind] = self.random.choices(list(weights), list(weights.values()))
        if kind == self.database.kind:
            self.until(self.database.kill, self.callers)
        elif kind == "server":
            self.until(self.fleet.server.kill, self.callers)
        else:
            workers = [worker for worker in self.fleet.workers if not worker.is_spared]
            self.until(self.random.choice(workers).kill, self.callers)
        self.killed[kind] += 1

    def kill_one_for_good(self) -> None:
        """Kill a worker that has jobs and never start it again; another one must take them up in time."""
        victim, heir = self.fleet.workers[0], self.fleet.workers[1]
        heir.is_spared = True
        self.until(lambda: self.has_jobs(victim), self.callers)
        self.fleet.workers.remove(victim)
        assert victim.kill()
        self.killed["worker"] += 1
        executor, began = victim.executors[-1], time.monotonic()

        def is_taken_over() -> bool:
            held, claimed = self.books.held_by(executor), self.books.claimed_by(executor)
            return held == set() and claimed == set()

        left = self.books.claimed_by(executor)
        assert left is None or left, "the worker had jobs when it was killed"
        self.until(is_taken_over, self.callers, TAKEN_OVER_SECONDS)
        self.taken_over_seconds = time.monotonic() - began
        heir.is_spared = False

    def has_jobs(self, worker: Member) -> bool:
        self.callers.allow(min(JOBS, len(self.callers.ids) + AHEAD))
        return bool(worker.executors and self.books.held_by(worker.executors[-1]))

    def kill_during_deploy(self, code: Code) -> None:
        """Deploy another version, and kill what leaves and what comes."""
        self.fleet.deploy(code)
        server, worker = self.fleet.server, self.fleet.workers[0]
        server.terminate()
        worker.terminate()
        worker.kill()  # while it drains, or just after
        self.until(server.kill, self.callers)  # the old one as it leaves, or the new one as it comes
        self.until(worker.kill, self.callers)  # the new one as it comes
        self.killed["deploy"] += 1


def test_no_accepted_job_is_lost_and_none_has_two_results(database: Database, tmp_path: Path) -> None:
    began = time.monotonic()
    storm = Storm(database, tmp_path)
    try:
        storm.run()
        check(storm)
    finally:
        storm.callers.stop()
        storm.fleet.kill()
        storm.books.close()
    seconds = time.monotonic() - began
    print(
        f"\n{database.kind}: {sum(storm.killed.values())} kills {dict(storm.killed)} during {JOBS} jobs in "
        f"{seconds:.0f} s; a worker that stayed away was replaced after {storm.taken_over_seconds:.0f} s; "
        f"{storm.callers.repeated} answers were lost and asked for again"
    )


def check(storm: Storm) -> None:
    """Every job that was accepted has one result, the right one, and the database has no other job."""
    callers = storm.callers
    assert callers.faults == []
    assert sorted(callers.ids) == list(range(JOBS))
    assert len(set(callers.ids.values())) == JOBS
    found = storm.books.all()
    assert Counter(state for _, state, _ in found) == {"succeeded": JOBS}
    assert {id for id, _, _ in found} == set(callers.ids.values())
    assert Counter(times for _, _, times in found) == {1: JOBS}
    assert storm.taken_over_seconds is not None
    assert storm.taken_over_seconds <= TAKEN_OVER_SECONDS
    assert {member.code.version for member in storm.fleet.members} == {"2.0.0"}
    storm.until(lambda: storm.books.workflows() == {"SUCCESS": JOBS}, callers, QUIET_SECONDS)
    with closing(Connection(storm.fleet.port)) as connection:
        for number in storm.random.sample(range(JOBS), 200):
            assert label_seen(storm, connection, callers.ids[number]) == label_of(number)


def label_seen(storm: Storm, connection: Connection, id: str) -> str:
    """Return the result as a caller gets it."""
    seen: list[str] = []

    def is_seen() -> bool:
        answer = connection.send("GET", f"/jobs/{id}?wait=30")
        if answer is not None and answer[0] == 200:
            seen.append(answer[1]["result"]["label"])
        return bool(seen)

    storm.until(is_seen, storm.callers)
    return seen[0]
