"""DBOS's executor in a worker: it takes workflows from the queue and runs each on a thread."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer

from . import durable

# A job that is accepted waits at most about so long for a worker that is free, and longer by the rest for one
# that has found nothing so many times.
POLL_SECONDS = 0.1
REST_SECONDS, LOOKS_BEFORE_REST = 0.35, 20
# Nothing here uses DBOS's notifications; its listener looks for them so often.
LISTEN_SECONDS = 60.0


def new_executor_id() -> str:
    """Return a name that no other worker process has had, and that says where it runs."""
    return f"{socket.gethostname()[:64]}-{secrets.token_hex(6)}"


class Executor:
    """The executor of this process; DBOS has one at most."""

    def __init__(self, engine: sa.Engine, id: str, run: Callable[[str], None], concurrency: int) -> None:
        """Make an executor. run: called on a thread with a job's id; concurrency: how many at a time."""
        self._engine = engine
        self._id = id
        self._run = run
        self._concurrency = concurrency

    def start(self) -> None:
        """Take jobs from now on. It raises while the database is away, and may then be called again."""
        DBOS.destroy(destroy_registry=True)
        dbos = DBOS(
            config={
                "name": durable.APPLICATION,
                "system_database_engine": self._engine,
                "application_version": durable.APPLICATION_VERSION,
                "executor_id": self._id,
                "serializer": DBOSPortableJSONSerializer(),
                "run_migrations": False,
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": LISTEN_SECONDS,
                "log_level": "WARNING",
            }
        )
        run = self._run

        # Counting tries is not left to DBOS: a job that is handed back has not failed.
        @DBOS.workflow(name=durable.WORKFLOW, max_recovery_attempts=None)
        def job(id: str) -> str:
            run(id)
            return "ended"

        del job
        DBOS.launch()
        _rest_while_idle(dbos)
        DBOS.register_queue(
            durable.QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )

    def stop_taking(self, seconds: int) -> None:
        """Take no more. DBOS writes the ends of workflows that run for as long as this."""
        destroy = partial(DBOS.destroy, workflow_completion_timeout_sec=max(1, seconds))
        threading.Thread(target=destroy, name="ending jobs", daemon=True).start()


def _rest_while_idle(dbos: DBOS) -> None:
    """Let DBOS look less often while there is nothing: its queue has one interval for all workers."""
    database: Any = dbos._sys_db  # pyright: ignore[reportPrivateUsage]
    take, looks = database.start_queued_workflows, 0

    def taken(queue: Any, *words: Any, **options: Any) -> Any:
        nonlocal looks
        found: Sequence[Any] = take(queue, *words, **options)
        if queue.name == durable.QUEUE:
            looks = 0 if found[0] else looks + 1
            if looks > LOOKS_BEFORE_REST:
                time.sleep(REST_SECONDS)
        return found

    database.start_queued_workflows = taken
