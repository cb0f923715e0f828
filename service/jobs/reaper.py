"""Takes the jobs of dead workers over, so that living ones compute them.

DBOS has a workflow taken up again by the executor that had it, when that one starts again: a worker that
never does would keep its jobs. What is done here can be done again at any time and by several at once: a
reaper that ends halfway is made up for by the next one.
"""

from collections.abc import Callable, Collection

import sqlalchemy as sa
from dbos import DBOSClient

from ..api.problems import CAUSES, problem_json
from ..faults import WorkerLost
from ..logs import fields, log
from . import durable, leases
from .database import now
from .job import JobState
from .schema import JOBS, WORKERS
from .transactions import writing


class Reaper:
    """Takes over the jobs of dead workers in one database. One thread."""

    def __init__(
        self,
        engine: sa.Engine,
        client: DBOSClient,
        max_attempts: int,
        ttl_seconds: float,
        watch: leases.Watch,
        set_aside: Callable[[int], object],
    ) -> None:
        """Make a reaper.

        max_attempts: a job that was begun as often is set aside. set_aside: told how many were.
        """
        self._set_aside = set_aside
        self._engine = engine
        self._client = client
        self._max_attempts = max_attempts
        self._ttl_seconds = ttl_seconds
        self._watch = watch

    def look(self) -> None:
        """Look once. Call it more often than every leases.BLIND_SECONDS."""
        with self._engine.connect() as connection:
            dead = self._watch.dead(leases.beats(connection))
        with writing(self._engine) as connection:
            leases.remove(connection, dead)
            released, aside = self._release(connection)
        self._set_aside(aside)
        for executor in dead:
            log.warning("A worker of jobs is gone", extra=fields(executor=executor))
        if released or aside:
            log.info(
                "Took over jobs of workers that are gone", extra=fields(waiting=released, set_aside=aside)
            )
        self._resume()

    def _release(self, connection: sa.Connection) -> tuple[int, int]:
        """Let the jobs of workers that have no row wait again, or set them aside; return how many of each."""
        is_orphan = sa.and_(JOBS.c.state == "running", JOBS.c.owner.not_in(sa.select(WORKERS.c.executor)))
        aside = sa.update(JOBS).where(is_orphan, JOBS.c.attempts >= self._max_attempts)
        due = sa.case((JOBS.c.webhook.isnot(None), now()), else_=None)
        set_aside = connection.execute(
            aside.values(
                state=JobState.SET_ASIDE.value,
                owner=None,
                problem=_problem(self._max_attempts),
                ended=now(),
                expires=now() + self._ttl_seconds,
                webhook_due=due,
            )
        ).rowcount
        again = sa.update(JOBS).where(is_orphan).values(state="waiting", owner=None)
        return connection.execute(again).rowcount, set_aside

    def _resume(self) -> None:
        """Put the workflows of executors that have no row back into the queue."""
        pending = durable.pending(self._client)
        if not pending:
            return
        with self._engine.connect() as connection:  # after the workflows: who claims one has its row before
            alive = set(leases.alive(connection))
        durable.resume(self._client, [id for id, executor in pending.items() if executor not in alive])


def _problem(attempts: int) -> bytes:
    detail = (
        f"each of the {attempts} workers that tried this job ended while it ran; it is not tried again. "
        "The logs of the workers say why they ended."
    )
    return problem_json(CAUSES[WorkerLost], detail)


class Strays:
    """Finds workflows that DBOS gave to this worker without its knowing.

    The database may have kept the claim though its answer was lost on the way. Then the executor lives, and
    does not run the workflow; no reaper would touch it. running: the jobs that this worker knows of.
    """

    def __init__(self, client: DBOSClient, executor: str, running: Callable[[], Collection[str]]) -> None:
        self._client = client
        self._executor = executor
        self._running = running
        self._suspects: set[str] = set()

    def look(self) -> None:
        """Look once; what is a stray at two looks goes back into the queue."""
        pending = [id for id, executor in durable.pending(self._client).items() if executor == self._executor]
        strays = set(pending) - set(self._running())
        lost = strays & self._suspects
        self._suspects = strays - lost
        if lost:
            log.info("Put jobs back that the database gave unnoticed", extra=fields(jobs=len(lost)))
            durable.resume(self._client, sorted(lost))
