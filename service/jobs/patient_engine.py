"""Connections for DBOS, which wait for a database that is away.

DBOS repeats what a lost connection refused as well, but its pauses grow to a minute and a half: a worker
would idle as long after the database is back. Here the connection is what waits, with shorter pauses.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from .database import engine_of
from .transactions import DatabaseWait

# Longer than any outage: who waits for a place in the pool waits for who waits for the database.
POOL_SECONDS = 7 * 86_400.0


def patient_engine_of(url: sa.URL, connections: int, patience: DatabaseWait) -> sa.Engine:
    """Return an engine that connects when the database is back; Away if the process ends before."""
    engine = engine_of(url, connections, is_durable=False, pool_seconds=POOL_SECONDS)

    @event.listens_for(engine, "do_connect")
    def connected(dialect: Any, record: Any, words: Any, options: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        del record

        def once() -> Any:
            try:
                return dialect.connect(*words, **options)
            except dialect.loaded_dbapi.OperationalError as error:
                raise OperationalError("connect", {}, error) from error

        return patience.until_back(once)

    return engine
