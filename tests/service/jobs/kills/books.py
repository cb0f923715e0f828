"""What the database says about the jobs, read past the service; and a trigger's count of recorded ends."""

import contextlib

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from slipway.service.jobs.transactions import writing
from tests.service.jobs.databases import Database, engine_to

# Each change of a job from open to ended, by whomever: a second result would be a second row.
_TABLE = "CREATE TABLE recorded_ends (id text NOT NULL, state text NOT NULL, executor text)"
_SQLITE = """
    CREATE TRIGGER record_end AFTER UPDATE ON slipway_jobs
    WHEN NEW.state NOT IN ('waiting', 'running')
        AND (OLD.state <> NEW.state OR OLD.result IS NOT NEW.result OR OLD.problem IS NOT NEW.problem)
    BEGIN INSERT INTO recorded_ends VALUES (NEW.id, NEW.state, OLD.owner); END
"""
_FUNCTION = """
    CREATE FUNCTION record_end() RETURNS trigger AS $$ BEGIN
        INSERT INTO recorded_ends VALUES (NEW.id, NEW.state, OLD.owner); RETURN NEW;
    END $$ LANGUAGE plpgsql
"""
_POSTGRESQL = """
    CREATE TRIGGER record_end AFTER UPDATE ON slipway_jobs FOR EACH ROW
    WHEN (NEW.state NOT IN ('waiting', 'running') AND (OLD.state <> NEW.state
        OR OLD.result IS DISTINCT FROM NEW.result OR OLD.problem IS DISTINCT FROM NEW.problem))
    EXECUTE FUNCTION record_end()
"""


class Books:
    """The database as the test reads it; None where it does not answer."""

    def __init__(self, database: Database) -> None:
        self._engine = engine_to(database)
        self._schema = "" if database.kind == "sqlite" else "dbos."

    def open(self) -> None:
        """Begin to count the recorded ends."""
        statements = [_TABLE, _SQLITE] if not self._schema else [_TABLE, _FUNCTION, _POSTGRESQL]
        with writing(self._engine) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._engine.dispose()

    def ended(self) -> int | None:
        return self._number("SELECT count(*) FROM recorded_ends")

    def held_by(self, executor: str) -> set[str] | None:
        """Return the jobs that an executor has begun."""
        return self._ids("SELECT id FROM slipway_jobs WHERE state = 'running' AND owner = :it", executor)

    def claimed_by(self, executor: str) -> set[str] | None:
        """Return the workflows that an executor has, begun or not."""
        query = f"SELECT workflow_uuid FROM {self._schema}workflow_status WHERE status = 'PENDING'"
        return self._ids(f"{query} AND executor_id = :it", executor)

    def all(self) -> list[tuple[str, str, int]]:
        """Return each job's id and state, and how often its end was recorded."""
        query = """
            SELECT id, state, (SELECT count(*) FROM recorded_ends AS e WHERE e.id = slipway_jobs.id)
            FROM slipway_jobs
        """
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def workflows(self) -> dict[str, int]:
        """Count DBOS's workflows by state."""
        query = f"SELECT status, count(*) FROM {self._schema}workflow_status GROUP BY status"
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(sa.text(query))}

    def _number(self, query: str) -> int | None:
        with contextlib.suppress(SQLAlchemyError), self._engine.connect() as connection:
            return connection.execute(sa.text(query)).scalar()
        return None

    def _ids(self, query: str, it: str) -> set[str] | None:
        with contextlib.suppress(SQLAlchemyError), self._engine.connect() as connection:
            return set(connection.execute(sa.text(query), {"it": it}).scalars())
        return None
