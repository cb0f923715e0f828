"""DBOS's executor in a worker: it takes workflows from the queue and runs each on a thread."""

import secrets
import socket
import threading
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer

from . import durable

# A job that is accepted waits at most about so long for a worker that is free.
POLL_SECONDS = 0.1
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
        DBOS(
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
